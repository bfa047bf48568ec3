"""Questions about source instead of cells: what may stand or stands at the cursor, and whether a cell is whole."""

import json
import os
import struct

import _zblink as link

from zeroboot import cell, check, complete, inspection

_CURSOR = struct.Struct("<I")


def _answer(flags, payload):
    if flags & link.EXECUTE_CHECK:
        return check.check(payload.decode("utf-8"))
    (cursor,) = _CURSOR.unpack_from(payload)
    source = payload[_CURSOR.size :].decode("utf-8")
    if flags & link.EXECUTE_INSPECT:
        return inspection.inspect_at(cell.namespace, source, cursor)
    return complete.complete(cell.namespace, source, cursor)


def run(execution, flags, payload):
    """Answer one question. Exactly one DONE follows, without a RESULT if the answer was given up."""
    answer = None
    outcome = cell.Outcome()
    try:
        try:
            link.begin(execution)
            # What users' objects print when they are looked at, and what their threads print meanwhile, is of no cell.
            link.disown_output()
            answer = _answer(flags, payload)
        finally:
            link.end()
    except BaseException as raised:
        interrupted = isinstance(raised, KeyboardInterrupt)
        outcome = cell.Outcome(link.DONE_INTERRUPTED, 130) if interrupted else cell.Outcome(link.DONE_ERROR, 1)
    if link.detached():
        os._exit(1)
    link.flush()
    if answer is not None:
        text = json.dumps(answer, ensure_ascii=False).encode()
        link.send(link.RESULT, link.MIME_JSON | link.LAST_OF_BUNDLE, execution, text)
    link.send(link.DONE, 0, execution, cell.done_record(outcome))
    link.finish()
