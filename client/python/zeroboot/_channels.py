"""What an execution has for whoever listens, from the thread that receives to the threads that consume."""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import Any, Callable, Deque, Dict, Iterable, Optional, Tuple

#: The things that come, each by a channel of its own.
NAMES = ("stdout", "stderr", "display", "input")

#: Seconds. A signal that comes right before a thread begins to wait is seen only when it looks up, and on Windows any.
_LONGEST_WAIT = 0.5


class Channels:
    """Queues of one execution. What nobody listens to is not queued; what is queued costs credit until it is taken.

    That makes the credit the bound of what is held here.
    """

    def __init__(self, consumed: Callable[[int], None]) -> None:
        self._consumed = consumed
        self._changed = threading.Condition(threading.Lock())
        #: Of those somebody listens to: position among all that came, the item, its cost.
        self._queues: Dict[str, Deque[Tuple[int, Any, int]]] = {}
        self._arrivals = 0
        self._ended = False
        self._error: Optional[BaseException] = None

    @property
    def ended(self) -> bool:
        return self._ended

    def listen(self, name: str, earlier: Iterable[Any] = ()) -> None:
        """From here on what comes by this channel is queued, behind what came earlier and is paid for."""
        with self._changed:
            queue = self._queues.setdefault(name, deque())
            for item in earlier:
                self._arrivals += 1
                queue.append((self._arrivals, item, 0))

    def leave(self, names: Iterable[str]) -> None:
        """Nobody takes what is queued any more, and what would be."""
        with self._changed:
            cost = sum(cost for name in names for _, _, cost in self._queues.pop(name, ()))
        self._pay(cost)

    def put(self, name: str, item: Any, cost: int) -> int:
        """Answers what it costs no longer: all of it, where nobody listens."""
        with self._changed:
            queue = None if self._ended else self._queues.get(name)
            if queue is not None:
                self._arrivals += 1
                queue.append((self._arrivals, item, cost))
                self._changed.notify_all()
                return 0
        return cost

    def end(self, error: Optional[BaseException] = None) -> bool:
        """Nothing follows. Answers whether that is new."""
        with self._changed:
            if self._ended:
                return False
            self._ended, self._error = True, error
            self._changed.notify_all()
            return True

    def take(self, names: Iterable[str], timeout: Optional[float] = None) -> Optional[Tuple[str, Any]]:
        """The next of any of these channels, in the order of arrival; None at the end.

        Raises what the execution ended with; TimeoutError after so many seconds.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        with self._changed:
            while True:
                waiting = [(queue[0][0], name) for name in names for queue in [self._queues.get(name)] if queue]
                if waiting:
                    _, name = min(waiting)
                    _, item, cost = self._queues[name].popleft()
                    break
                if self._error is not None:
                    raise self._error
                if self._ended:
                    return None
                left = None if deadline is None else deadline - time.monotonic()
                if left is not None and left <= 0:
                    raise TimeoutError("the execution has not ended in time")
                self._changed.wait(_LONGEST_WAIT if left is None else min(left, _LONGEST_WAIT))
        self._pay(cost)
        return name, item

    def wait_ended(self, timeout: float) -> bool:
        with self._changed:
            return self._changed.wait_for(lambda: self._ended, timeout)

    def _pay(self, cost: int) -> None:
        # Not under the lock: it may send.
        if cost:
            self._consumed(cost)
