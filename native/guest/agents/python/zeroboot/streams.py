"""sys.stdout, sys.stderr and sys.stdin of the cells."""

import builtins
import io
import os
import sys

import _zblink as link


_READALL_BYTES = 1 << 20


class OutputBuffer(io.BufferedIOBase):
    """The ``buffer`` of an output stream: bytes straight to the link."""

    def __init__(self, kind, fd, name):
        self._kind = kind
        self._fd = fd
        self.name = name

    def writable(self):
        return True

    def write(self, data):
        return link.write(self._kind, data)

    def flush(self):
        pass

    def fileno(self):
        return self._fd

    def close(self):
        pass


class Output(io.TextIOBase):
    """A text stream whose every write is in the link when it returns. Nothing is buffered on the way."""

    encoding = "utf-8"
    newlines = None
    line_buffering = False
    write_through = True
    mode = "w"

    def __init__(self, kind, fd, name, errors):
        self._kind = kind
        self._fd = fd
        self._errors = errors
        self.name = name
        self.buffer = OutputBuffer(kind, fd, name)

    @property
    def errors(self):
        return self._errors

    def writable(self):
        return True

    def write(self, text):
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        return link.write(self._kind, text)

    def flush(self):
        pass

    def fileno(self):
        return self._fd

    def isatty(self):
        return False

    def reconfigure(self, **options):
        """Accepted as a real stream does; there is nothing to configure."""

    def close(self):
        """Not closed: later cells write to it too."""


class CellInput(io.RawIOBase):
    """Standard input of the running cell, as the client sends it. At its end unless the client keeps it open.

    As from a terminal, a read ends with the line: what follows stays where children read it too.
    """

    name = "<stdin>"
    mode = "rb"

    def __init__(self):
        self.prompt = b""
        self.password = False
        self.used = False

    def readable(self):
        return True

    def fileno(self):
        return 0

    def isatty(self):
        return False

    def close(self):
        pass

    def readinto(self, target):
        if link.detached():
            data = os.read(0, len(target))
        else:
            data = self._read(len(target), True)
        target[: len(data)] = data
        return len(data)

    def readall(self):
        """To the end, so that no line is left to a child: not one at a time, either."""
        if link.detached():
            return super().readall()
        pieces = []
        while data := self._read(_READALL_BYTES, False):
            pieces.append(data)
        return b"".join(pieces)

    def _read(self, limit, one_line):
        self.used = True
        flags = link.INPUT_PASSWORD if self.password else 0
        prompt, self.prompt = self.prompt, b""
        return link.read_input(limit, flags, prompt, one_line)


cell_input = CellInput()


def _read_line(prompt, password):
    cell_input.prompt = str(prompt).encode("utf-8", "backslashreplace")[:4096]
    cell_input.password = password
    try:
        line = sys.stdin.readline()
    finally:
        cell_input.prompt = b""
        cell_input.password = False
    if not line:
        raise EOFError("EOF when reading a line")
    return line[:-1] if line.endswith("\n") else line


def _input(prompt="", /):
    """Read one line from the client; the prompt goes with the request."""
    if sys.stdin is not _stdin or sys.stdout is not _stdout or link.detached():
        return _builtin_input(prompt)
    return _read_line(prompt, False)


def _getpass(prompt="Password: ", stream=None):
    return _read_line(prompt, True)


class Input(io.TextIOWrapper):
    def close(self):
        pass


_builtin_input = builtins.input
_stdout = Output(link.STDOUT, 1, "<stdout>", "surrogateescape")
_stderr = Output(link.STDERR, 2, "<stderr>", "backslashreplace")


def _make_stdin():
    return Input(io.BufferedReader(cell_input, 1), encoding="utf-8", errors="surrogateescape")


_stdin = _make_stdin()


def end_input():
    """What the cell has not read is discarded, also what lies decoded in its ``sys.stdin``."""
    global _stdin
    link.end_input()
    if not cell_input.used:
        return
    try:
        fresh = _make_stdin()
    except MemoryError:
        # The next cell's end will do.
        return
    cell_input.used = False
    old, _stdin = _stdin, fresh
    if sys.stdin is old:
        sys.stdin = _stdin
    sys.__stdin__ = _stdin


def install():
    """Make them the process's standard streams."""
    import getpass

    sys.stdin = sys.__stdin__ = _stdin
    sys.stdout = sys.__stdout__ = _stdout
    sys.stderr = sys.__stderr__ = _stderr
    builtins.input = _input
    getpass.getpass = _getpass
