"""Client of Zeroboot, with nothing but the standard library.

`Sandbox` runs each program in a virtual machine of its own, by one request; a `Session` is one machine that
keeps its state from run to run.
"""

from .errors import (
    ConnectionError,
    ExecutionFailed,
    ExecutionRefusedError,
    InvalidOptionError,
    ProtocolError,
    RequestError,
    SessionClosedError,
    SessionRefusedError,
    ZerobootError,
)
from .execution import Execution, InputRequest
from .outcome import (
    CodeCheck,
    Completion,
    ExecutionError,
    ExecutionResult,
    Inspection,
    MimeBundle,
    SessionLimits,
    SessionRestart,
)
from .result import Result
from .sandbox import Sandbox
from .session import Session

__version__ = "0.1.0"

__all__ = [
    "CodeCheck",
    "Completion",
    "ConnectionError",
    "Execution",
    "ExecutionError",
    "ExecutionFailed",
    "ExecutionRefusedError",
    "ExecutionResult",
    "InputRequest",
    "Inspection",
    "InvalidOptionError",
    "MimeBundle",
    "ProtocolError",
    "RequestError",
    "Result",
    "Sandbox",
    "Session",
    "SessionClosedError",
    "SessionLimits",
    "SessionRefusedError",
    "SessionRestart",
    "ZerobootError",
]
