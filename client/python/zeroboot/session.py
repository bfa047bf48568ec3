"""Live sessions."""

from __future__ import annotations

import logging
import math
import ssl
import threading
import time
from concurrent.futures import Future
from typing import Callable, Dict, Mapping, Optional, Union

from ._connection import Connection
from ._frames import Frame
from ._msgpack import pack
from ._protocol import CREDIT_RETURN_BYTES, MAX_NONCE, MAX_QUEUED_STDIN_BYTES
from .errors import ExecutionRefusedError, InvalidOptionError, ProtocolError, SessionClosedError, ZerobootError
from .execution import DEFAULT_MAX_OUTPUT_BYTES, Callbacks, Execution, InputRequest, interrupt_frame
from .outcome import CodeCheck, Completion, ExecutionResult, Inspection, MimeBundle, SessionRestart, limits_of

_log = logging.getLogger("zeroboot")

#: How long the server has to answer when the session is closed, seconds.
_CLOSE_TIMEOUT = 2.0


class Session:
    """A virtual machine of one's own, from `connect` to `close`.

    Variables, files and processes persist between runs and are gone with the session. Runs are queued by the server and
    done in order. May be used from several threads, but for a child process that was forked off.

    >>> with Session.connect("http://127.0.0.1:8080") as session:
    ...     session.run("x = 20")
    ...     print(session.run("x + 1").text)
    21
    """

    @classmethod
    def connect(
        cls,
        url: Optional[str] = None,
        *,
        api_key: Optional[str] = None,
        template: Optional[str] = "python",
        timeout: float = 30.0,
        on_failure: Optional[Callable[[ZerobootError], object]] = None,
        on_restart: Optional[Callable[[SessionRestart], object]] = None,
        ssl_context: Optional[ssl.SSLContext] = None,
    ) -> "Session":
        """
        url: the server, as http:, https:, ws: or wss:; `ZEROBOOT_BASE_URL`, else http://127.0.0.1:8080.
        template: what to fork; None for the server's own default.
        timeout: seconds until there must be a session.
        on_failure: the server refused something that nobody waits for.
        on_restart: nothing of what the session's programs had made is there any more.
        ssl_context: for https; `ssl.create_default_context()`.

        Both callbacks are called by the thread that receives: they must not wait for the session.

        Raises InvalidOptionError, ConnectionError, SessionRefusedError, ProtocolError.
        """
        if not timeout > 0:
            raise InvalidOptionError("timeout must be positive")
        return cls(Connection(url, api_key, template, timeout, ssl_context), on_failure, on_restart)

    def __init__(
        self,
        connection: Connection,
        on_failure: Optional[Callable[[ZerobootError], object]],
        on_restart: Optional[Callable[[SessionRestart], object]],
    ) -> None:
        """Use `connect`."""
        self._connection = connection
        self._on_failure = on_failure
        self._on_restart = on_restart
        ready = connection.ready
        #: The server's name for this session.
        self.id: str = ready["sessionId"]
        #: The server's name for its virtual machine; another one after a restart.
        self.vm_id: str = ready["vmId"]
        self.template: str = ready["template"]
        #: Time the server took to fork the virtual machine, microseconds.
        self.fork_time_us: int = ready["forkTimeUs"]
        self.limits = limits_of(ready["limits"])
        # A server with a small window must not wait for more than it may send.
        self._credit_step = max(1, min(CREDIT_RETURN_BYTES, self.limits.initial_credit_bytes // 4))
        #: Guards what follows; nothing is sent and nobody called under it.
        self._lock = threading.Lock()
        self._end: Optional[ZerobootError] = None
        self._running: Dict[str, Execution] = {}
        self._questions: "Dict[str, Future[Frame]]" = {}
        self._pings: "Dict[int, Future[float]]" = {}
        self._last_id = 0
        self._nonce = 0
        self._unreturned = 0
        self._receiver = threading.Thread(target=self._receive_all, name="zeroboot-session", daemon=True)
        self._receiver.start()

    # ---- running code ------------------------------------------------------------------------

    def run(
        self,
        code: str,
        *,
        timeout: Optional[float] = None,
        stdin: Union[str, bytes, None] = None,
        env: Optional[Mapping[str, str]] = None,
        on_stdout: Optional[Callable[[str], object]] = None,
        on_stderr: Optional[Callable[[str], object]] = None,
        on_display: Optional[Callable[[MimeBundle], object]] = None,
        on_input: Optional[Callable[[InputRequest], Optional[str]]] = None,
        check: bool = False,
        max_output_bytes: int = DEFAULT_MAX_OUTPUT_BYTES,
    ) -> ExecutionResult:
        """Run code and wait for its end. Returns for every code that ran, whatever its exit code.

        timeout: running time in seconds, after which the code is stopped; the server's default.
        stdin: all of standard input; or the beginning of it, with `on_input`.
        env: environment variables, for this code alone.
        on_stdout, on_stderr: text as it comes; characters are never cut in two.
        on_display: something the code shows.
        on_input: answers `input()` with a line without its end, or None for the end of input.
        check: raise ExecutionFailed unless it ended with 0.
        max_output_bytes: kept of each of stdout and stderr for the result.

        The callbacks are called here, by the thread that waits. What one raises is raised, and the code interrupted, as
        it is by a KeyboardInterrupt. Raises InvalidOptionError, ExecutionRefusedError, SessionClosedError,
        ProtocolError.
        """
        callbacks = Callbacks(on_stdout, on_stderr, on_display, on_input)
        feeds = stdin is not None or on_input is not None
        execution, message = self._prepare(code, timeout, env, feeds, max_output_bytes)
        execution.listen(callbacks)
        try:
            self._submit(execution, message)
            self._feed(execution, stdin, closes=on_input is None)
            result = execution.attend(callbacks)
        except BaseException as error:
            # A KeyboardInterrupt may come at any point of this.
            execution.abandon(error)
            raise
        if check:
            result.check()
        return result

    def start(
        self,
        code: str,
        *,
        timeout: Optional[float] = None,
        stdin: str = "closed",
        env: Optional[Mapping[str, str]] = None,
        max_output_bytes: int = DEFAULT_MAX_OUTPUT_BYTES,
    ) -> Execution:
        """Run code without waiting for it: the handle has output as it comes, input and the result.

        stdin: "open" for `write()` and `close_stdin()`; "closed" is at its end from the start.

        Otherwise as `run`.
        """
        if stdin not in ("open", "closed"):
            raise InvalidOptionError('stdin must be "open" or "closed"')
        execution, message = self._prepare(code, timeout, env, stdin == "open", max_output_bytes)
        self._submit(execution, message)
        return execution

    def interrupt(self, after: Optional[str] = None) -> None:
        """SIGINT for whatever runs: in Python `KeyboardInterrupt`. From any thread. Nothing happens if nothing runs.

        after: as for `Execution.interrupt`. Raises SessionClosedError.
        """
        self.send(interrupt_frame(after))

    # ---- questions ---------------------------------------------------------------------------

    def complete(self, code: str, cursor: Optional[int] = None) -> Completion:
        """What could stand at index `cursor` of the code, or at its end, from the session's live variables. Waits for
        its turn among the runs.

        Raises InvalidOptionError, SessionClosedError; ExecutionRefusedError, `restarted` if the virtual machine was
        replaced first.
        """
        at = _position(code, cursor)
        answer = self._ask({"type": "complete", "code": self._checked(code), "cursor": at}, "completed")
        return Completion(answer["matches"], answer["start"], answer["end"])

    def check(self, code: str) -> CodeCheck:
        """Whether code is whole or wants another line. Waits for its turn. Raises as `complete`."""
        answer = self._ask({"type": "check", "code": self._checked(code)}, "checked")
        return CodeCheck(answer["status"], answer["indent"])

    def inspect(self, code: str, cursor: Optional[int] = None) -> Inspection:
        """What the object is whose name is at index `cursor` of the code, or at its end: within or behind the name.
        Waits for its turn. Raises as `complete`.
        """
        at = _position(code, cursor)
        answer = self._ask({"type": "inspect", "code": self._checked(code), "cursor": at}, "inspected")
        return Inspection(answer["found"], answer["bundle"])

    def ping(self) -> float:
        """Round trip to the server, seconds. Raises SessionClosedError."""
        answer: "Future[float]" = Future()
        with self._lock:
            if self._end is not None:
                raise self._end
            nonce = self._nonce
            self._nonce = 0 if nonce == MAX_NONCE else nonce + 1
            self._pings[nonce] = answer
        start = time.monotonic()
        self.send({"type": "ping", "nonce": nonce})
        return answer.result() - start

    # ---- its end -----------------------------------------------------------------------------

    @property
    def closed(self) -> bool:
        """Whether it has ended, by `close()` or by itself."""
        return self._end is not None

    @property
    def end(self) -> Optional[ZerobootError]:
        """Why it has ended, once it has."""
        return self._end

    def close(self) -> None:
        """End the session and its virtual machine. Idempotent; whatever still waits for it raises SessionClosedError."""
        self._ended(SessionClosedError("session_closed", "the session was closed"))
        self._connection.close()
        if threading.current_thread() is self._receiver:
            return
        self._receiver.join(_CLOSE_TIMEOUT)
        if self._receiver.is_alive():
            self._connection.abort()
            self._receiver.join(_CLOSE_TIMEOUT)

    def __enter__(self) -> "Session":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # ---- for its executions ------------------------------------------------------------------

    def send(self, frame: Frame) -> None:
        """Internal. Raises ZerobootError."""
        if self._end is not None:
            raise self._end
        self._connection.send(frame)

    def consumed(self, bytes: int) -> None:
        """Internal: output that need not be held any more; credit is returned for it, now or with what follows."""
        with self._lock:
            self._unreturned += bytes
            if self._end is not None or self._unreturned < self._credit_step:
                return
            returned, self._unreturned = self._unreturned, 0
        try:
            self._connection.send({"type": "credit", "bytes": returned})
        except ZerobootError as error:
            # Without credit the session would stand still for good.
            self._ended(error)
            self._connection.abort()

    def _prepare(
        self,
        code: str,
        timeout: Optional[float],
        env: Optional[Mapping[str, str]],
        feeds_stdin: bool,
        max_output_bytes: int,
    ) -> "tuple[Execution, bytes]":
        """The execution and the message that starts it. Raises InvalidOptionError."""
        if isinstance(max_output_bytes, bool) or not isinstance(max_output_bytes, int) or max_output_bytes < 0:
            raise InvalidOptionError("max_output_bytes must be a whole number")
        frame: Frame = {"type": "execute", "id": self._next_id(), "code": self._checked(code)}
        if timeout is not None:
            frame["timeoutMs"] = self._milliseconds(timeout)
        if env is not None:
            frame["env"] = _environment(env)
        if feeds_stdin:
            frame["stdin"] = "open"
        try:
            message = pack(frame)
        except UnicodeEncodeError:
            raise InvalidOptionError("env has half a character (a lone surrogate)") from None
        if len(message) > self.limits.max_frame_bytes:
            raise InvalidOptionError(f"code and env together take more than {self.limits.max_frame_bytes} bytes")
        execution = Execution(frame["id"], self, feeds_stdin=feeds_stdin, max_output_bytes=max_output_bytes)
        return execution, message

    def _submit(self, execution: Execution, message: bytes) -> None:
        with self._lock:
            if self._end is not None:
                raise self._end
            self._running[execution.id] = execution
        self._connection.send_packed(message)

    def _feed(self, execution: Execution, stdin: Union[str, bytes, None], closes: bool) -> None:
        data = stdin.encode("utf-8") if isinstance(stdin, str) else stdin

        def feed() -> None:
            try:
                if data:
                    execution.write(data)
                if stdin is not None and closes:
                    execution.close_stdin()
            except BaseException as error:
                execution.abandon(error)

        if data is None or len(data) <= MAX_QUEUED_STDIN_BYTES:
            # So much the server takes at once, whatever the program does.
            feed()
        else:
            threading.Thread(target=feed, name="zeroboot-stdin", daemon=True).start()

    def _checked(self, code: str) -> str:
        if not isinstance(code, str):
            raise InvalidOptionError("code must be a string")
        try:
            size = len(code.encode("utf-8"))
        except UnicodeEncodeError:
            raise InvalidOptionError("code has half a character (a lone surrogate)") from None
        if size > self.limits.max_code_bytes:
            raise InvalidOptionError(f"code has more than {self.limits.max_code_bytes} bytes")
        return code

    def _milliseconds(self, timeout: float) -> int:
        longest = self.limits.max_timeout_ms
        if isinstance(timeout, bool) or not isinstance(timeout, (int, float)) or not 0 < timeout * 1000 <= longest:
            raise InvalidOptionError(f"timeout must be more than 0 and at most {longest / 1000:g} seconds")
        return math.ceil(timeout * 1000)

    def _next_id(self) -> str:
        with self._lock:
            self._last_id += 1
            return str(self._last_id)

    def _ask(self, question: Frame, answered_by: str) -> Frame:
        answer: "Future[Frame]" = Future()
        id = self._next_id()
        with self._lock:
            if self._end is not None:
                raise self._end
            self._questions[id] = answer
        self.send({**question, "id": id})
        frame = answer.result()
        if frame["type"] != answered_by:
            raise ProtocolError(f"the server answered {question['type']} with {frame['type']}")
        return frame

    # ---- the thread that receives ------------------------------------------------------------

    def _receive_all(self) -> None:
        try:
            while True:
                self._receive(self._connection.receive())
        except ZerobootError as error:
            self._ended(error)
        except BaseException:
            _log.exception("a session's receiving thread failed")
            self._ended(ZerobootError("internal", "the session's thread failed; the log says more"))
        finally:
            self._connection.release()

    def _receive(self, frame: Frame) -> None:
        kind = frame["type"]
        if kind == "pong":
            self._answer(self._pings, frame["nonce"], time.monotonic(), "a pong nobody asked for")
        elif kind in ("completed", "checked", "inspected"):
            self._answer(self._questions, frame["id"], frame, f"{kind} for a question that was not asked")
        elif kind == "failure":
            self._failed(frame)
        elif kind == "restarted":
            self.vm_id, self.fork_time_us = frame["vmId"], frame["forkTimeUs"]
            self._report(self._on_restart, SessionRestart(self.vm_id, self.fork_time_us, frame["reason"]))
        elif kind == "ready":
            raise ProtocolError("the server sent a second ready")
        else:
            self._dispatch(kind, frame)

    def _dispatch(self, kind: str, frame: Frame) -> None:
        with self._lock:
            if self._end is not None:
                return
            execution = self._running.get(frame["id"])
            if kind == "done":
                self._running.pop(frame["id"], None)
        if execution is None:
            raise ProtocolError(f"the server sent {kind} for an execution that is not running")
        execution.receive(frame)

    def _answer(self, waiting: "Dict[object, Future]", name: object, value: object, complaint: str) -> None:  # type: ignore[type-arg]
        with self._lock:
            answer, ended = waiting.pop(name, None), self._end is not None
        if answer is not None:
            answer.set_result(value)
        elif not ended:
            raise ProtocolError(f"the server sent {complaint}")

    def _failed(self, frame: Frame) -> None:
        id, refused = frame.get("id", ""), frame.get("frame")
        with self._lock:
            question = self._questions.pop(id, None)
            execution = self._running.get(id)
            if execution is not None and refused == "execute":
                del self._running[id]
        if question is not None:
            question.set_exception(ExecutionRefusedError(frame["code"], frame["message"]))
        elif execution is not None and refused == "execute":
            execution.refused(frame)
        elif execution is not None and refused == "stdin":
            execution.input_refused(frame)
        else:
            self._report(self._on_failure, ZerobootError(frame["code"], frame["message"]))

    def _report(self, callback: Optional[Callable[..., object]], what: object) -> None:
        if callback is None or self._end is not None:
            return
        try:
            callback(what)
        except Exception:
            # It is not this session's.
            _log.exception("a session's callback failed")

    def _ended(self, error: ZerobootError) -> None:
        with self._lock:
            if self._end is not None:
                return
            self._end = error
            running, self._running = list(self._running.values()), {}
            waiting = [*self._questions.values(), *self._pings.values()]
            self._questions, self._pings = {}, {}
        for execution in running:
            execution.fail(error)
        for answer in waiting:
            answer.set_exception(error)


def _environment(env: Mapping[str, str]) -> "dict[str, str]":
    for name, value in env.items():
        if not isinstance(name, str) or not isinstance(value, str):
            raise InvalidOptionError("env must map names to strings")
    return dict(env)


def _position(code: str, cursor: Optional[int]) -> int:
    """The cursor, or the end of the code. Raises InvalidOptionError."""
    at = len(code) if cursor is None else cursor
    if isinstance(at, bool) or not isinstance(at, int) or not 0 <= at <= len(code):
        raise InvalidOptionError(f"cursor must be a position in the code, 0 to {len(code)}")
    return at
