"""Cells that await: one event loop for the whole session, which runs while such a cell does and stands still else."""

import asyncio
import inspect

from zeroboot import interrupts

_loop = None


def prepare():
    """In the template, so that a fork's first await makes no system call for it."""
    _current_loop()


def _current_loop():
    global _loop
    if _loop is None or _loop.is_closed():
        _loop = asyncio.new_event_loop()
        # For cells that ask for it without awaiting.
        asyncio.set_event_loop(_loop)
    return _loop


def is_needed(code):
    """Whether evaluating the code object makes a coroutine."""
    return code.co_flags & inspect.CO_COROUTINE


class _Interrupt:
    """What an interrupt does while a task is awaited.

    Where code of the cell runs, it raises KeyboardInterrupt as in any cell. Where the loop waits, there is no code to
    raise it in: the task is cancelled, and who awaits sees CancelledError. What asks a second time is not put off.
    """

    def __init__(self, loop, task):
        self._loop = loop
        self._task = task
        self.cancelled = False

    def __call__(self, frame):
        if self.cancelled or not _is_of_loop(frame) or not self._task.cancel():
            raise KeyboardInterrupt
        self.cancelled = True
        self._loop.call_soon_threadsafe(lambda: None)


def _is_of_loop(frame):
    module = frame.f_globals.get("__name__", "") if frame is not None else ""
    return module == "selectors" or module.partition(".")[0] == "asyncio"


def run(coroutine):
    """What the coroutine returns. Tasks that it leaves behind go on when the next cell awaits."""
    loop = _current_loop()
    task = loop.create_task(coroutine)
    interrupt = _Interrupt(loop, task)
    interrupts.while_awaiting = interrupt
    try:
        return loop.run_until_complete(task)
    except asyncio.CancelledError as error:
        if not interrupt.cancelled:
            raise
        raise KeyboardInterrupt().with_traceback(error.__traceback__) from None
    finally:
        # What was raised past it, by another task or out of the loop, ends it as well.
        if not task.done():
            _end(loop, task)
        interrupts.while_awaiting = None


def _end(loop, task):
    task.cancel()
    try:
        loop.run_until_complete(task)
    except (Exception, asyncio.CancelledError):
        pass
