"""One run of code in a session, while it goes on."""

from __future__ import annotations

import codecs
import threading
from dataclasses import dataclass
from typing import Any, Callable, Dict, Iterator, List, Optional, Protocol, Tuple, Union

from ._channels import Channels
from ._frames import Frame, credit_cost
from ._kept import KeptOutput
from ._stdin import StdinHost, StdinWriter
from .errors import ExecutionRefusedError, InvalidOptionError, ZerobootError
from .outcome import ExecutionError, ExecutionResult, MimeBundle

DEFAULT_MAX_OUTPUT_BYTES = 8 * 1024 * 1024


@dataclass(frozen=True)
class InputRequest:
    """What a program asks for."""

    prompt: str
    #: Do not show what is typed.
    password: bool


class ExecutionHost(StdinHost, Protocol):
    """What an execution needs of its session."""

    def consumed(self, bytes: int) -> None: ...


class Callbacks:
    """Those that were given, by the channel that feeds them."""

    def __init__(
        self,
        on_stdout: Optional[Callable[[str], object]] = None,
        on_stderr: Optional[Callable[[str], object]] = None,
        on_display: Optional[Callable[[MimeBundle], object]] = None,
        on_input: Optional[Callable[[InputRequest], Optional[str]]] = None,
    ) -> None:
        given: Dict[str, Any] = {"stdout": on_stdout, "stderr": on_stderr, "display": on_display, "input": on_input}
        self.by_channel = {name: callback for name, callback in given.items() if callback is not None}


class Execution:
    """Handle of code that was started by `Session.start`; its methods may be called from any thread.

    `result()` waits for the end. `stdout` and `stderr` are iterated for output as it comes, or the execution itself
    for both. While an iteration lasts, output it has not reached holds the guest back, and with it the session.
    """

    def __init__(self, id: str, host: ExecutionHost, *, feeds_stdin: bool, max_output_bytes: int) -> None:
        #: Unique within the session.
        self.id = id
        self._host = host
        self._channels = Channels(host.consumed)
        self._stdin = StdinWriter(id, host, self._channels, feeds_stdin)
        self._keeping = threading.Lock()
        self._max_output_bytes = max_output_bytes
        self._kept = {name: KeptOutput(max_output_bytes) for name in ("stdout", "stderr")}
        self._iterated: "set[str]" = set()
        self._displays: List[MimeBundle] = []
        self._displays_room = max_output_bytes
        self._displays_cut = False
        self._bundle: Optional[MimeBundle] = None
        self._error: Optional[ExecutionError] = None
        self._result: Optional[ExecutionResult] = None

    # ---- for its user ------------------------------------------------------------------------

    @property
    def done(self) -> bool:
        """Whether it has ended, one way or the other."""
        return self._channels.ended

    @property
    def stdout(self) -> Iterator[str]:
        """Text of standard output as it comes, beginning with what was kept of earlier output; characters are never
        cut in two. Once per execution. Raises as `result`, at the end."""
        return (text for _, text in _decoded(self._chunks(("stdout",))))

    @property
    def stderr(self) -> Iterator[str]:
        """As `stdout`."""
        return (text for _, text in _decoded(self._chunks(("stderr",))))

    def __iter__(self) -> Iterator[Tuple[str, str]]:
        """Both streams: `("stdout", text)` and `("stderr", text)` in the order in which the server sent them."""
        return _decoded(self._chunks(("stdout", "stderr")))

    def raw(self, *streams: str) -> Iterator[Tuple[str, bytes]]:
        """As iterating, in the bytes that the guest wrote; of `streams` only, if any are named."""
        return self._chunks(streams or ("stdout", "stderr"))

    def write(self, data: Union[str, bytes]) -> None:
        """Bytes, or text as UTF-8, for standard input. Returns when the server has taken it, which holds 1 MiB for a
        program that does not read. A no-op once the execution has ended.

        Raises InvalidOptionError unless started with stdin="open", or after `close_stdin()`; SessionClosedError.
        """
        self._stdin.write(data)

    def close_stdin(self) -> None:
        """End of standard input. Idempotent."""
        self._stdin.close()

    def interrupt(self, after: Optional[str] = None) -> None:
        """SIGINT: in Python `KeyboardInterrupt`. The session's state is kept.

        after: "kill" to go further where that is not heeded: kill the program's child processes, and at last put the
        session into a fresh virtual machine. A no-op once the execution has ended.
        """
        if not self._channels.ended:
            self._host.send(interrupt_frame(after, self.id))

    def result(self, timeout: Optional[float] = None) -> ExecutionResult:
        """How it ended, for every code that ran, whatever its exit code.

        A KeyboardInterrupt that comes meanwhile interrupts the code, too. Raises TimeoutError after so many seconds,
        in which case the code goes on; ExecutionRefusedError, SessionClosedError, ProtocolError.
        """
        try:
            self._channels.take((), timeout)
        except KeyboardInterrupt:
            self.interrupt()
            raise
        assert self._result is not None
        return self._result

    # ---- for its session ---------------------------------------------------------------------

    def listen(self, callbacks: Callbacks) -> None:
        """Before it is sent: nothing is missed."""
        for name in callbacks.by_channel:
            self._iterated.add(name)
            self._channels.listen(name)

    def attend(self, callbacks: Callbacks) -> ExecutionResult:
        """Call the callbacks, here, until the end. What they raise is raised; the code goes on."""
        decoders = _Decoders()
        try:
            while True:
                taken = self._channels.take(callbacks.by_channel)
                if taken is None:
                    break
                name, item = taken
                if name == "input":
                    self._answer(callbacks.by_channel[name](item))
                    continue
                value = item if name == "display" else decoders.decode(name, item)
                if value:
                    callbacks.by_channel[name](value)
            for name, text in decoders.rest():
                callbacks.by_channel[name](text)
        finally:
            self._channels.leave(callbacks.by_channel)
        return self.result()

    def receive(self, frame: Frame) -> None:
        """By the thread that receives."""
        kind = frame["type"]
        if kind in ("stdout", "stderr"):
            # Kept and queued as one: who begins to iterate meanwhile finds each byte in one of the two.
            with self._keeping:
                self._kept[kind].add(frame["data"])
                cost = self._channels.put(kind, frame["data"], len(frame["data"]))
            self._host.consumed(cost)
        elif kind == "display":
            self._host.consumed(self._display(frame["bundle"], credit_cost(frame)))
        elif kind == "result":
            self._bundle = frame["bundle"]
            self._host.consumed(credit_cost(frame))
        elif kind == "error":
            self._error = ExecutionError(frame["name"], frame["message"], frame["traceback"])
            self._host.consumed(credit_cost(frame))
        elif kind == "inputRequest":
            self._channels.put("input", InputRequest(frame["prompt"], frame["password"]), 0)
        elif kind == "done":
            self._done(frame)

    def refused(self, frame: Frame) -> None:
        """The server did not take the `execute`."""
        self._channels.end(ExecutionRefusedError(frame["code"], frame["message"]))

    def input_refused(self, frame: Frame) -> None:
        if frame["code"] == "stdin_overflow" and self._stdin.refused():
            return
        self.abandon(ZerobootError(frame["code"], f"standard input was not taken: {frame['message']}"))

    def fail(self, error: BaseException) -> None:
        """There will be no result. Idempotent."""
        self._channels.end(error)

    def abandon(self, error: BaseException) -> None:
        """Nobody waits any more: stop the code, too. What still comes is dropped."""
        if not self._channels.end(error):
            return
        try:
            self._host.send(interrupt_frame(None, self.id))
        except ZerobootError:
            pass  # The session has ended, and the code with it.

    def _display(self, bundle: MimeBundle, size: int) -> int:
        if size <= self._displays_room:
            self._displays_room -= size
            self._displays.append(bundle)
        else:
            self._displays_cut = True
        return self._channels.put("display", bundle, size)

    def _done(self, frame: Frame) -> None:
        cut = self._displays_cut or any(kept.omitted_bytes for kept in self._kept.values())
        self._result = ExecutionResult(
            id=self.id,
            status=frame["status"],
            exit_code=frame["exitCode"],
            stdout=self._kept["stdout"].text(),
            stderr=self._kept["stderr"].text(),
            result=self._bundle,
            error=self._error,
            displays=tuple(self._displays),
            execution_count=frame["executionCount"],
            queued_us=frame["timings"]["queuedUs"],
            exec_us=frame["timings"]["execUs"],
            truncated=frame["truncated"] or (cut and self._max_output_bytes != 0),
            state_kept=frame["stateKept"],
            stopped_by=frame.get("stoppedBy"),
        )
        self._channels.end()

    def _answer(self, line: Optional[str]) -> None:
        if line is None:
            self.close_stdin()
        else:
            self.write(f"{line}\n")

    def _chunks(self, names: Tuple[str, ...]) -> Iterator[Tuple[str, bytes]]:
        with self._keeping:
            for name in names:
                if name in self._iterated:
                    raise InvalidOptionError(f"{name} can be iterated only once")
            for name in names:
                self._iterated.add(name)
                self._channels.listen(name, self._kept[name].chunks())
        return self._taken(names)

    def _taken(self, names: Tuple[str, ...]) -> Iterator[Tuple[str, bytes]]:
        try:
            while True:
                taken = self._channels.take(names)
                if taken is None:
                    return
                yield taken
        finally:
            self._channels.leave(names)


def interrupt_frame(after: Optional[str], id: Optional[str] = None) -> Frame:
    """Raises InvalidOptionError."""
    if after not in (None, "kill"):
        raise InvalidOptionError('after must be "kill"')
    frame: Frame = {"type": "interrupt"}
    if id is not None:
        frame["id"] = id
    if after is not None:
        frame["after"] = after
    return frame


class _Decoders:
    """Text of several streams, whose pieces may end inside a character."""

    def __init__(self) -> None:
        self._of = {name: codecs.getincrementaldecoder("utf-8")("replace") for name in ("stdout", "stderr")}

    def decode(self, name: str, data: bytes) -> str:
        return self._of[name].decode(data)

    def rest(self) -> Iterator[Tuple[str, str]]:
        for name, decoder in self._of.items():
            text = decoder.decode(b"", True)
            if text:
                yield name, text


def _decoded(chunks: Iterator[Tuple[str, bytes]]) -> Iterator[Tuple[str, str]]:
    decoders = _Decoders()
    for name, data in chunks:
        text = decoders.decode(name, data)
        if text:
            yield name, text
    yield from decoders.rest()
