"""The agent's life: open the link, warm everything a first cell needs, then serve cells for ever."""

import gc
import os
import platform
import runpy
import sys

import _zblink as link

from zeroboot import awaiting, cell, display, identity, interrupts, memory, preload, questions, shell_escapes, streams

# Imported ahead of need: users import them, and here it costs each fork nothing.
import array, asyncio, base64, bisect, collections, copy, csv, dataclasses, datetime, decimal  # noqa: E401, F401
import enum, fractions, functools, glob, hashlib, heapq, inspect, io, itertools, json  # noqa: E401, F401
import math, operator, pathlib, pickle, pprint, random, re, secrets, shutil, statistics  # noqa: E401, F401
import string, struct, subprocess, tempfile, textwrap, threading, time, traceback, typing, uuid  # noqa: E401, F401

try:
    import numpy  # noqa: F401
except ModuleNotFoundError:
    # Of a container somebody brought.
    numpy = None

# Every path a usual first cell takes, so that its pages are there and its caches filled.
WARM_UP = (
    "print(1 + 1)",
    "x = [i * i for i in range(10)]\nx",
    "import sys\nprint('e', file=sys.stderr)",
    "def f(n):\n    return n / 0\nf(1)",
    "1 +",
    "import numpy as np\nprint(np.arange(10).mean(), np.random.rand(2).sum() >= 0)",
    "import asyncio\nawait asyncio.sleep(0)\nawait asyncio.sleep(0, 1)",
    "class C:\n    def _repr_html_(self):\n        return '<b>'\ndisplay(C())\nC()",
    "sys.exit(0)",
)

# The same for a first line at a prompt: the flag and the payload of each question.
WARM_UP_QUESTIONS = (
    (link.EXECUTE_CHECK, b"def f():"),
    (link.EXECUTE_COMPLETE, b"\x02\0\0\0pr"),
    (link.EXECUTE_COMPLETE, b"\x09\0\0\0import os"),
    (link.EXECUTE_COMPLETE, b"\x06\0\0\0''.joi"),
    (link.EXECUTE_INSPECT, b"\x06\0\0\0print("),
)

QUESTIONS = link.EXECUTE_COMPLETE | link.EXECUTE_CHECK | link.EXECUTE_INSPECT

# What an image beside python's own has to be warmed up with; see recipes/python-data.
_IMAGE_WARM_UP = "/usr/lib/zeroboot/warm_up.py"


def _serve():
    # Assignments, and the execution they are for: one that was called off in between leaves none to the next.
    variables = []
    variables_of = 0
    while True:
        try:
            kind, flags, execution, payload = link.receive()
        except MemoryError:
            if memory.relieve():
                continue
            raise
        if kind == link.EXECUTE and flags & QUESTIONS:
            questions.run(execution, flags, payload)
        elif kind == link.EXECUTE:
            link.begin_input(execution, flags & link.EXECUTE_STDIN_OPEN)
            if variables and variables_of == execution:
                with _environment(variables):
                    cell.run(execution, payload)
            else:
                cell.run(execution, payload)
            variables = []
        elif kind == link.ENV:
            if variables_of != execution:
                variables = []
                variables_of = execution
            variables.append(payload)
        elif kind == link.IDENTITY:
            _take_identity(flags, payload)


def _take_identity(flags, payload):
    try:
        identity.take(flags, payload)
    except BaseException:
        os._exit(link.IDENTITY_REFUSED)
    link.send(link.GUEST_IDENTITY, 0, 0, b"")


class _environment:
    """Variables for one cell; what they hid comes back after it."""

    def __init__(self, assignments):
        self._pairs = [assignment.partition(b"=")[::2] for assignment in assignments]

    def __enter__(self):
        self._before = {name: os.environb.get(name) for name, _ in self._pairs}
        os.environb.update(dict(self._pairs))

    def __exit__(self, *unused):
        for name, value in self._before.items():
            if value is None:
                os.environb.pop(name, None)
            else:
                os.environb[name] = value


def _image_warm_up():
    """Import what the image's file of this name imports, and answer its CELLS."""
    if not os.path.exists(_IMAGE_WARM_UP):
        return ()
    return runpy.run_path(_IMAGE_WARM_UP)["CELLS"]


def _warm_up():
    """Run cells with the link's output thrown away: the host must see none of it."""
    cells = WARM_UP + _image_warm_up()
    muted = {name: getattr(link, name) for name in ("send", "send_bundle", "show", "write")}
    link.send = link.send_bundle = link.show = lambda *unused: None
    link.write = lambda kind, data: len(data)
    try:
        for flags in (0, link.IDENTITY_BY_HOST, link.IDENTITY_BY_HOST):
            seeds = os.urandom(link.IDENTITY_BYTES - link.IDENTITY_ENTROPY_BYTES - 8)
            now = time.time_ns().to_bytes(8, "little")
            identity.take(flags, os.urandom(link.IDENTITY_ENTROPY_BYTES) + now + seeds)
        for source in cells * 2:
            cell.run(0, source.encode())
        for flag, payload in WARM_UP_QUESTIONS:
            questions.run(0, flag, payload)
    finally:
        for name, function in muted.items():
            setattr(link, name, function)
    cell.forget()


def main():
    link.huge_text()
    link.arenas_in_heap()
    # init's advice to this process's malloc, which its children need not follow.
    os.environ.pop("GLIBC_TUNABLES", None)
    cell.install_main()
    display.install()
    shell_escapes.install(cell.namespace)
    awaiting.prepare()
    sys.argv = [""]
    sys.path.insert(0, "")
    preloaded = preload.run(cell.namespace)
    link.open()
    interrupts.install()
    streams.install()
    identity.prepare()
    _warm_up()
    cell.namespace.update(preloaded)
    identity.settle()
    gc.collect()
    # What is here now is never garbage, and looking at it would copy its pages in every fork.
    gc.freeze()
    memory.fill()
    memory.limit()
    link.send(link.READY, 0, 0, f"{platform.python_implementation()} {platform.python_version()}".encode())
    _serve()
