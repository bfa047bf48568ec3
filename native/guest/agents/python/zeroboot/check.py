"""Whether a cell can run as it stands: what a prompt asks after each line. Runs nothing of the user's."""

import ast
import tokenize
import warnings

from zeroboot import shell_escapes, source_tokens

# cpython/Include/cpython/compile.h: a SyntaxError of its own for source that breaks off; codeop uses it too.
_ALLOW_INCOMPLETE_INPUT = 0x4000
_INCOMPLETE = "incomplete input"
# Statements that a prompt goes on with until an empty line.
_COMPOUND = (
    ast.FunctionDef,
    ast.AsyncFunctionDef,
    ast.ClassDef,
    ast.If,
    ast.For,
    ast.AsyncFor,
    ast.While,
    ast.With,
    ast.AsyncWith,
    ast.Try,
    ast.TryStar,
    ast.Match,
)
_OPENING = {"(", "[", "{"}
_CLOSING = {")", "]", "}"}


def _status(escaped):
    if escaped.is_open:
        return "incomplete"
    source = escaped.text
    flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = compile(source, "<check>", "exec", flags | ast.PyCF_ONLY_AST | _ALLOW_INCOMPLETE_INPUT, dont_inherit=True)
            compile(tree, "<check>", "exec", flags, dont_inherit=True)
    except SyntaxError as error:
        return "incomplete" if error.msg == _INCOMPLETE else "invalid"
    except (ValueError, OverflowError, MemoryError, RecursionError):
        return "invalid"
    # As at Python's own prompt: more of a block may follow until a line is empty.
    is_block = bool(tree.body) and isinstance(tree.body[-1], _COMPOUND)
    if is_block and source.rpartition("\n")[2].strip():
        return "incomplete"
    return "complete"


def _opens_block(tokens):
    depth = 0
    last = None
    for token in tokens:
        if token.type in (tokenize.COMMENT, tokenize.NEWLINE):
            continue
        last = token
        if token.type == tokenize.OP:
            depth += (token.string in _OPENING) - (token.string in _CLOSING)
    return last is not None and last.string == ":" and depth == 0


def _next_indent(source):
    """Deeper after a colon, else as the last line that is not empty."""
    tokens, in_string = source_tokens.tokens(source)
    # White space would be part of it.
    if in_string:
        return ""
    lines = [line for line in source.split("\n") if line.strip()]
    last = lines[-1] if lines else ""
    indent = last[: len(last) - len(last.lstrip(" \t"))]
    if _opens_block(tokens):
        indent += "\t" if "\t" in indent else "    "
    return indent


def check(source):
    """Status (complete, incomplete or invalid) of a cell's source, and the indent of the line that may follow."""
    escaped = shell_escapes.replace(source.replace("\r\n", "\n").replace("\r", "\n"))
    status = _status(escaped)
    return {"status": status, "indent": _next_indent(escaped.text) if status == "incomplete" else ""}
