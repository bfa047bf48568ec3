"""One cell: compile, run, report."""

import ast
import linecache
import struct
import sys
import traceback
import types

import _zblink as link

from zeroboot import awaiting, bundle, display, memory, shell_escapes, streams

# Sources kept for tracebacks.
MAX_SOURCES = 1000
# What begins a statement that has no sign of one in it.
_STATEMENTS = frozenset(
    ["assert", "break", "continue", "del", "from", "global", "import", "nonlocal", "pass", "raise", "return"]
)

_DONE = struct.Struct("<BBHiI")
_main = types.ModuleType("__main__")
_main.__dict__["__builtins__"] = __builtins__
namespace = _main.__dict__
_execution_count = 0
_sources = []


def install_main():
    """``__main__`` is the cells' namespace, so that pickle and the like find what cells define."""
    sys.modules["__main__"] = _main


class Outcome:
    """What the host is told in DONE."""

    __slots__ = ("status", "exit_code", "flags")

    def __init__(self, status=link.DONE_OK, exit_code=0):
        self.status = status
        self.exit_code = exit_code
        self.flags = 0


def done_record(outcome):
    """The payload of DONE."""
    return _DONE.pack(outcome.status, outcome.flags, 0, outcome.exit_code, _execution_count)


def _remember(filename, source):
    linecache.cache[filename] = (len(source), None, source.splitlines(True), filename)
    _sources.append(filename)
    if len(_sources) > MAX_SOURCES:
        linecache.cache.pop(_sources.pop(0), None)


def _is_likely_expression(source):
    """A line that can hardly be a statement, or an escape."""
    text = source.rstrip()
    return (
        text[:1] not in " \t"
        and "\n" not in text
        and not any(sign in text for sign in "=:;!")
        and text.split(None, 1)[0] not in _STATEMENTS
    )


def _compile(source, filename):
    """The cell's statements, and its last expression apart if it ends in one."""
    flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    if _is_likely_expression(source):
        # Without a syntax tree: its objects lie in pages that a fork has not touched yet.
        try:
            return None, compile(source, filename, "eval", flags)
        except SyntaxError:
            # Reported below, and as what it is: it may be a statement after all.
            pass
    escaped = shell_escapes.replace(source)
    try:
        tree = compile(escaped.text, filename, "exec", flags | ast.PyCF_ONLY_AST)
    except SyntaxError as error:
        shell_escapes.settle_error(error, escaped)
        raise
    shell_escapes.settle_positions(tree, escaped)
    last = None
    if tree.body and isinstance(tree.body[-1], ast.Expr):
        last = ast.Expression(tree.body.pop().value)
    body = compile(tree, filename, "exec", flags) if tree.body else None
    return body, last and compile(last, filename, "eval", flags)


def _encode(text, outcome):
    data, truncated = bundle.cut_text(text)
    if truncated:
        outcome.flags |= link.DONE_TRUNCATED
    return data


def _send_result(execution, value, outcome):
    parts, truncated = bundle.parts(bundle.of(value, display.figure_forms))
    if truncated:
        outcome.flags |= link.DONE_TRUNCATED
    link.send_bundle(link.RESULT, execution, parts)


def _user_traceback(error):
    """The traceback from the cell's own frames on."""
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_globals is not namespace:
        trace = trace.tb_next
    return trace


def _safe(function, *args):
    """Text of user objects, whose own code may fail."""
    try:
        return function(*args)
    except BaseException as failure:
        return f"<{type(failure).__name__} while formatting>"


def _send_error(execution, error, outcome):
    kind = type(error)
    trace = _user_traceback(error)
    text = _safe(lambda: "".join(traceback.format_exception(kind, error, trace)))
    message = _safe(str, error)
    link.send(link.ERROR, link.ERROR_NAME, execution, _encode(kind.__name__, outcome))
    link.send(link.ERROR, link.ERROR_MESSAGE, execution, _encode(message, outcome))
    link.send(link.ERROR, link.ERROR_TRACEBACK | link.LAST_OF_BUNDLE, execution, _encode(text, outcome))


def _exit_outcome(error):
    """sys.exit() as the operating system would see it."""
    code = error.code
    if code is None:
        return Outcome()
    if not isinstance(code, int):
        link.write(link.STDERR, f"{_safe(str, code)}\n")
        return Outcome(link.DONE_ERROR, 1)
    code &= 0xFF
    return Outcome(link.DONE_ERROR if code else link.DONE_OK, code)


def _leave_child(error):
    """A child that user code forked has come to the cell's end: it ends here, as a program would."""
    import os

    code = 0
    if isinstance(error, SystemExit):
        code = error.code if isinstance(error.code, int) else int(error.code is not None)
    elif error is not None:
        traceback.print_exception(type(error), error, _user_traceback(error))
        code = 1
    link.flush()
    os._exit(code & 0xFF)


def _run_code(code):
    value = eval(code, namespace)
    return awaiting.run(value) if awaiting.is_needed(code) else value


def _evaluate(execution, source, filename, outcome):
    body, last = _compile(source, filename)
    value = None
    try:
        if body is not None:
            _run_code(body)
        if last is not None:
            value = _run_code(last)
        if value is not None and not link.detached():
            namespace["_"] = value
            _send_result(execution, value, outcome)
    except KeyboardInterrupt:
        display.close_figures()
        raise
    except BaseException:
        display.show_figures()
        raise
    display.show_figures(shown=value)


def _report_error(execution, error):
    if isinstance(error, SystemExit):
        return _exit_outcome(error)
    interrupted = isinstance(error, KeyboardInterrupt)
    outcome = Outcome(link.DONE_INTERRUPTED, 130) if interrupted else Outcome(link.DONE_ERROR, 1)
    link.flush()
    _send_error(execution, error, outcome)
    return outcome


def run(execution, payload):
    """Run one cell and report it. Whatever the cell does, exactly one DONE follows."""
    global _execution_count
    _execution_count += 1
    filename = f"<cell {_execution_count}>"
    outcome = Outcome()
    error = None
    memory.begin_cell()
    display.begin_cell()
    try:
        try:
            # Inside, because an interrupt may be raised the moment it returns, and must not leave the cell open.
            link.begin(execution)
            source = payload.decode("utf-8")
            _remember(filename, source)
            _evaluate(execution, source, filename, outcome)
        finally:
            # From here on an interrupt is late and dropped. CPython looks for signals after a call and in loops, so
            # none is handled between the end of the cell's code and that of this call.
            link.end()
    except BaseException as raised:
        error = raised
    if link.detached():
        _leave_child(error)
    memory.end_cell()
    if isinstance(error, MemoryError):
        memory.relieve()
    if error is not None:
        try:
            outcome = _report_error(execution, error)
        except MemoryError:
            # The report stays cut off where it was.
            memory.relieve()
            outcome = Outcome(link.DONE_ERROR, 1)
    if display.truncated:
        outcome.flags |= link.DONE_TRUNCATED
    # A traceback keeps the cell's frames, and what they hold, alive.
    error = None
    link.flush()
    streams.end_input()
    link.send(link.DONE, 0, execution, done_record(outcome))
    link.finish()


def forget():
    """Back to no cell run: the agent's own warm-up leaves no trace."""
    global _execution_count
    _execution_count = 0
    for filename in _sources:
        linecache.cache.pop(filename, None)
    _sources.clear()
    for name in [name for name in namespace if not name.startswith("__")]:
        del namespace[name]
