"""The template's own cell: what it makes is there in every fork.

It runs before the link is opened: what it writes goes to the console, where whoever makes the template can read
why it failed.
"""

import faulthandler
import linecache
import os
import sys
import traceback

_FOLDER = "/usr/lib/zeroboot"
# Exit code of an agent whose preload failed. The host reads the console.
_FAILED = 71


def _read(name):
    try:
        with open(f"{_FOLDER}/{name}", encoding="utf-8") as file:
            return file.read()
    except FileNotFoundError:
        return None


def _say(text):
    sys.stdout.flush()
    sys.stderr.flush()
    os.write(2, f"zeroboot: preload {text}\n".encode())


def run(namespace):
    """Run it, if there is one. Returns what it left in the namespace, apart from what was there before."""
    source = _read("preload")
    if source is None:
        return {}
    before = set(namespace)
    linecache.cache["<preload>"] = (len(source), None, source.splitlines(True), "<preload>")
    _say("begins")
    # Of another thread, so that nothing which does not return to Python keeps it.
    faulthandler.dump_traceback_later(int(_read("preload-seconds") or 300), exit=True)
    try:
        exec(compile(source, "<preload>", "exec"), namespace)
    except BaseException as error:
        faulthandler.cancel_dump_traceback_later()
        trace = error.__traceback__
        # From the preload's own frames on.
        traceback.print_exception(type(error), error, trace and trace.tb_next)
        _say("failed")
        os._exit(_FAILED)
    faulthandler.cancel_dump_traceback_later()
    _say("ended")
    return {name: value for name, value in namespace.items() if name not in before}
