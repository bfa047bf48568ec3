"""Lines of a cell that are for the shell: ``!command`` where a statement may begin.

Such a line becomes a call, in its place, so that numbers of lines stay what they were. What is inside strings and
brackets, or goes on a line before, is not such a line.
"""

import ast
import builtins
import subprocess
import tokenize

_CALL = "__zeroboot_shell__"
_OPENING = {"(", "[", "{"}
_CLOSING = {")", "]", "}"}
_LINE_ENDS = {tokenize.NEWLINE, tokenize.NL}


class Escaped:
    """Source without escapes, and what was there before."""

    __slots__ = ("text", "lines", "last_is_escape", "is_open")

    def __init__(self, text):
        self.text = text
        # Of each escape: the lines it takes, by the number of the first.
        self.lines = {}
        # The source ends in an escape, and this one wants another line.
        self.last_is_escape = False
        self.is_open = False


def replace(source):
    """The source with a call for each escape."""
    if "!" not in source:
        return Escaped(source)
    return _Replacement(source).run()


class _Replacement:
    """Follows the tokenizer, which asks for lines one at a time: so it is known where each one begins."""

    def __init__(self, source):
        self._lines = source.splitlines(True)
        self._at = 0
        self._done = []
        self._depth = 0
        self._line_ended = True
        self._escaped = Escaped(source)

    def run(self):
        try:
            for token in tokenize.generate_tokens(self._read):
                if token.type == tokenize.OP:
                    self._depth += (token.string in _OPENING) - (token.string in _CLOSING)
                if token.type not in (tokenize.INDENT, tokenize.DEDENT):
                    self._line_ended = token.type in _LINE_ENDS
        except (tokenize.TokenError, SyntaxError):
            # What is wrong with it, the compiler will say better.
            pass
        escaped = self._escaped
        if escaped.lines:
            escaped.text = "".join(self._done + self._lines[self._at :])
        return escaped

    def _read(self):
        if self._at == len(self._lines):
            return ""
        line = self._lines[self._at]
        self._at += 1
        command = line.lstrip(" \t\f")
        self._escaped.last_is_escape = self._line_ended and self._depth <= 0 and command.startswith("!")
        # Until a token says so: a line without any goes on in a string.
        self._line_ended = False
        if self._escaped.last_is_escape:
            line = self._replace(line[: len(line) - len(command)], line)
        else:
            self._done.append(line)
        return line

    def _replace(self, indent, line):
        first = self._at
        taken = [line]
        while taken[-1].rstrip("\r\n").endswith("\\") and self._at < len(self._lines):
            taken.append(self._lines[self._at])
            self._at += 1
        text = "".join(taken)
        self._escaped.lines[first] = taken
        self._escaped.is_open = text.rstrip("\r\n").endswith("\\")
        end = "\n" if taken[-1].endswith(("\n", "\r")) else ""
        call = f"{indent}{_CALL}({text.lstrip()[1:].strip()!r})"
        # The tokenizer is given one line, the compiler as many as there were.
        self._done.append(call + "\n" * (len(taken) - 1) + end)
        return call + "\n"


def settle_positions(tree, escaped):
    """Have the calls in a syntax tree point at the lines that the user wrote."""
    if not escaped.lines:
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == _CALL:
            line = escaped.lines.get(node.lineno)
            if line is not None:
                end = len(line[0].rstrip("\r\n").encode())
                for part in ast.walk(node):
                    if hasattr(part, "end_col_offset"):
                        part.col_offset = node.col_offset
                        part.end_col_offset = end


def settle_error(error, escaped):
    """Have a SyntaxError show the line that the user wrote."""
    line = escaped.lines.get(error.lineno)
    if line is not None:
        error.text = line[0]
        error.offset = error.end_offset = 1


def install(namespace):
    """Give the cells what escapes have become. A command's exit code, or minus its signal, is ``_exit_code``."""

    def run(command):
        namespace["_exit_code"] = subprocess.call(command, shell=True)

    setattr(builtins, _CALL, run)
