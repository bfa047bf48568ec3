"""Errors of this package. `code` is stable and documented in docs/errors.md; the message is for people."""

from __future__ import annotations

import builtins
from typing import TYPE_CHECKING, Union

if TYPE_CHECKING:
    from .outcome import ExecutionResult
    from .result import Result


class ZerobootError(RuntimeError):
    """Base of every error of this package."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message

    def __str__(self) -> str:
        return self.message

    # Its arguments are not those that it is called with: unpickling by the usual way would fail.
    def __reduce__(self) -> "tuple[object, ...]":
        return (_remade, (type(self), self.args, self.__dict__))


def _remade(kind: "type[ZerobootError]", args: "tuple[object, ...]", state: "dict[str, object]") -> ZerobootError:
    # Python wants the `__new__` of the base that decides on the layout.
    error: ZerobootError = (OSError if issubclass(kind, OSError) else RuntimeError).__new__(kind)  # type: ignore[type-var]
    error.args = args
    error.__dict__.update(state)
    return error


class ConnectionError(ZerobootError, builtins.ConnectionError):
    """The server cannot be reached: `connect_failed`, `connect_timeout`, `connection_lost`."""


class SessionRefusedError(ZerobootError):
    """The server answered and gave no session: `unauthorized`, `template_unknown`, `template_building` and others."""


class SessionClosedError(ZerobootError):
    """The session has ended, and everything that waited for it: `session_closed` after `close()`, `connection_lost`,
    `shutting_down`, `guest_panic` and others."""


class ExecutionRefusedError(ZerobootError):
    """The server did not accept an execution, or a question, which therefore never ran: `queue_full`, `restarted` and
    others."""


class ProtocolError(ZerobootError):
    """The server broke the protocol (`protocol_error`); a session has ended with it."""

    def __init__(self, message: str) -> None:
        super().__init__("protocol_error", message)


class InvalidOptionError(ZerobootError, ValueError):
    """An argument cannot be used (`invalid_option`); nothing was sent."""

    def __init__(self, message: str) -> None:
        super().__init__("invalid_option", message)


class RequestError(ZerobootError):
    """The server answered a request with an error: `unauthorized`, `rate_limited`, `invalid_request` and others."""

    def __init__(self, code: str, message: str, status: int) -> None:
        super().__init__(code, message)
        #: Of the HTTP answer.
        self.status = status


class ExecutionFailed(ZerobootError):
    """A program did not end with 0, and the caller had asked to be told so (`execution_failed`)."""

    def __init__(self, result: "Union[Result, ExecutionResult]", last_line: str) -> None:
        why = f": {last_line}" if last_line else ""
        super().__init__("execution_failed", f"the program ended with {result.exit_code}{why}")
        #: All that is known of the run.
        self.result = result
