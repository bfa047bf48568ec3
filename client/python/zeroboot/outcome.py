"""What a session tells about itself and about the code it ran."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Dict, List, Optional, Tuple, Union

from .errors import ExecutionFailed

#: One value in one or more forms: MIME type to text or, for images, bytes.
MimeBundle = Dict[str, Union[str, bytes]]


@dataclass(frozen=True)
class ExecutionError:
    """An exception of the guest's program, in its own words."""

    name: str
    message: str
    traceback: str


@dataclass(frozen=True)
class ExecutionResult:
    """How a run of code ended."""

    id: str
    #: `ok`, `error`, `interrupted`, `timeout` or `killed`.
    status: str
    #: 0 ok, 1 exception, `sys.exit`'s own, 124 timeout, 130 interrupted, 137 killed.
    exit_code: int
    #: Everything written, up to `max_output_bytes`: beyond it head and tail, marked as such.
    stdout: str
    stderr: str
    #: Value of the last expression, by MIME type; `text/plain` is always there.
    result: Optional[MimeBundle]
    #: The exception that ended the code.
    error: Optional[ExecutionError]
    #: What the code has shown while it ran.
    displays: Tuple[MimeBundle, ...]
    #: Runs of this session, this one included.
    execution_count: int
    #: Microseconds, measured by the server: waiting for its turn, and running.
    queued_us: int
    exec_us: int
    #: Something of output, displays, result or error was cut, by the server or by `max_output_bytes`.
    truncated: bool
    #: Whether the session's variables, files and processes are still there.
    state_kept: bool
    #: What it took to end it: `interrupt`, `kill`, `restart`, `outOfMemory`; None: it ended by itself.
    stopped_by: Optional[str] = None

    @property
    def text(self) -> Optional[str]:
        """The value of the last expression as text, if there is one."""
        text = None if self.result is None else self.result.get("text/plain")
        return text if isinstance(text, str) else None

    def check(self) -> None:
        """Raises ExecutionFailed unless the code ended with 0."""
        if self.exit_code == 0:
            return
        if self.error is not None:
            raise ExecutionFailed(self, f"{self.error.name}: {self.error.message}" if self.error.message else self.error.name)
        lines = self.stderr.rstrip().splitlines()
        raise ExecutionFailed(self, lines[-1] if lines else "")


@dataclass(frozen=True)
class SessionLimits:
    """What the server allows this session; docs/protocol.md says what happens beyond."""

    max_frame_bytes: int
    max_code_bytes: int
    max_queued_executions: int
    initial_credit_bytes: int
    default_timeout_ms: int
    max_timeout_ms: int
    max_output_bytes: int
    max_session_output_bytes: int
    idle_timeout_ms: int
    lifetime_ms: int
    interrupt_grace_ms: int
    memory_mb: int


@dataclass(frozen=True)
class SessionRestart:
    """The session goes on in a fresh virtual machine, with nothing of what its programs had made."""

    vm_id: str
    #: Microseconds the fork took.
    fork_time_us: int
    #: `interrupt`, `timeout` or `outOfMemory`.
    reason: str


@dataclass(frozen=True)
class Completion:
    """Any of `matches` may replace the code from index `start` to `end`."""

    matches: List[str] = field(default_factory=list)
    start: int = 0
    end: int = 0


@dataclass(frozen=True)
class CodeCheck:
    """Whether code can be run as it is."""

    #: `complete`, `incomplete` (it wants another line, which begins with `indent`) or `invalid`.
    status: str
    indent: str


@dataclass(frozen=True)
class Inspection:
    """What something is that a name in code stands for."""

    #: Whether the cursor is at the name of something there is.
    found: bool
    #: What is told of it, by MIME type; its `text/plain` is empty when nothing was found.
    bundle: MimeBundle


def limits_of(limits: Dict[str, Any]) -> SessionLimits:
    return SessionLimits(
        max_frame_bytes=limits["maxFrameBytes"],
        max_code_bytes=limits["maxCodeBytes"],
        max_queued_executions=limits["maxQueuedExecutions"],
        initial_credit_bytes=limits["initialCreditBytes"],
        default_timeout_ms=limits["defaultTimeoutMs"],
        max_timeout_ms=limits["maxTimeoutMs"],
        max_output_bytes=limits["maxOutputBytes"],
        max_session_output_bytes=limits["maxSessionOutputBytes"],
        idle_timeout_ms=limits["idleTimeoutMs"],
        lifetime_ms=limits["lifetimeMs"],
        interrupt_grace_ms=limits["interruptGraceMs"],
        memory_mb=limits["memoryMb"],
    )
