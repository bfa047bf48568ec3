"""SIGINT: ends the cell it is meant for, whatever handler the cells have set, and never another one."""

import functools
import signal

import _zblink as link

_real_signal = signal.signal
_real_getsignal = signal.getsignal
# What the cells believe to be installed.
_handler = signal.default_int_handler
# Takes the place of the default handler while a cell awaits, called with the frame.
while_awaiting = None


def _on_interrupt(number, frame):
    # Ours is always the one installed, because only it knows a late interrupt from one that is due.
    if not link.interrupted():
        return
    if while_awaiting is not None and _handler is signal.default_int_handler:
        while_awaiting(frame)
    else:
        _handler(number, frame)


@functools.wraps(_real_signal)
def _signal(number, handler):
    global _handler
    if number != signal.SIGINT or not callable(handler):
        return _real_signal(number, handler)
    previous = _real_signal(number, _on_interrupt)
    link.wrap_interrupts()
    if previous is _on_interrupt:
        previous = _handler
    _handler = handler
    return previous


@functools.wraps(_real_getsignal)
def _getsignal(number):
    handler = _real_getsignal(number)
    return _handler if handler is _on_interrupt else handler


def install():
    signal.signal = _signal
    signal.getsignal = _getsignal
    _signal(signal.SIGINT, signal.default_int_handler)
