"""What a program of a `Sandbox` did."""

from __future__ import annotations

from typing import Any, Mapping, Optional

from .errors import ExecutionFailed, ProtocolError


class Result(str):
    """A run's result, usable as its text: it is `stdout` without its last newline, and has the rest besides.

    Times are in milliseconds, as measured by the server. The arguments are in the order of the original's class.
    """

    #: As in the server's log.
    id: str
    #: Exactly what was written; what was not UTF-8 is replaced.
    stdout: str
    stderr: str
    #: The program's own; 1 an exception, 124 out of time, 137 its virtual machine ended.
    exit_code: int
    fork_time_ms: float
    exec_time_ms: float
    total_time_ms: float
    #: The value of a last expression, as text.
    result: Optional[str]
    timed_out: bool
    #: The server left out some of the output.
    truncated: bool

    def __new__(
        cls,
        id: str = "",
        stdout: str = "",
        stderr: str = "",
        exit_code: int = 0,
        fork_time_ms: float = 0.0,
        exec_time_ms: float = 0.0,
        total_time_ms: float = 0.0,
        result: Optional[str] = None,
        timed_out: bool = False,
        truncated: bool = False,
    ) -> "Result":
        self = super().__new__(cls, stdout[:-1] if stdout.endswith("\n") else stdout)
        self.id = id
        self.stdout = stdout
        self.stderr = stderr
        self.exit_code = exit_code
        self.fork_time_ms = fork_time_ms
        self.exec_time_ms = exec_time_ms
        self.total_time_ms = total_time_ms
        self.result = result
        self.timed_out = timed_out
        self.truncated = truncated
        return self

    @property
    def output(self) -> str:
        """The text that the result itself is, as a plain `str`."""
        return str.__str__(self)

    @property
    def duration_ms(self) -> float:
        """`total_time_ms`, by its older name."""
        return self.total_time_ms

    def check(self) -> None:
        """Raises ExecutionFailed unless the program ended with 0."""
        if self.exit_code != 0:
            lines = self.stderr.rstrip().splitlines()
            raise ExecutionFailed(self, lines[-1] if lines else "")

    # A copy is made from what the class is called with, not from the text.
    def __getnewargs__(self) -> Any:
        times = (self.fork_time_ms, self.exec_time_ms, self.total_time_ms)
        marks = (self.result, self.timed_out, self.truncated)
        return (self.id, self.stdout, self.stderr, self.exit_code, *times, *marks)


def result_of(answer: Mapping[str, Any]) -> Result:
    """From an answer of `POST /v1/exec`; fields of a newer server are left aside. Raises ProtocolError."""
    for name, kinds in _REQUIRED.items():
        if not isinstance(answer.get(name), kinds) or isinstance(answer[name], bool):
            raise ProtocolError(f"the server's answer lacks what it should have: {name}")
    last = answer.get("result")
    return Result(
        **{name: answer[name] for name in _REQUIRED},
        result=last if isinstance(last, str) else None,
        timed_out=answer.get("timed_out") is True,
        truncated=answer.get("truncated") is True,
    )


_REQUIRED: "dict[str, Any]" = {
    "id": str,
    "stdout": str,
    "stderr": str,
    "exit_code": int,
    "fork_time_ms": (int, float),
    "exec_time_ms": (int, float),
    "total_time_ms": (int, float),
}
