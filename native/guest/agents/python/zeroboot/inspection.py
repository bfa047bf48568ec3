"""What the object at the cursor is: signature, type, documentation, origin. Runs nothing of the user's on purpose."""

import inspect
import reprlib
import tokenize

from zeroboot import complete, shell_escapes, source_tokens

# Code points of the whole text.
MAX_TEXT = 32 * 1024

_CLOSING = {")": "(", "]": "[", "}": "{"}
# Whose repr is no code of the user's, if they hold none of theirs.
_PLAIN = (bool, bytes, complex, float, int, str, type(None))
_NOT_FOUND = {"found": False, "bundle": {"text/plain": ""}}


def _call_under_way(tokens):
    """The tokens before the bracket that is open at the end; none if none is."""
    depth = 0
    for at in range(len(tokens) - 1, -1, -1):
        text = tokens[at].string
        if tokens[at].type != tokenize.OP:
            continue
        if text in _CLOSING:
            depth += 1
        elif text in _CLOSING.values():
            if depth == 0:
                return tokens[:at] if text == "(" else []
            depth -= 1
    return []


def _named(source, cursor):
    """The tokens that end with the name at the cursor, or with that of the call the cursor is in."""
    end = max(0, min(cursor, len(source)))
    while end < len(source) and (source[end].isalnum() or source[end] == "_"):
        end += 1
    text = source[:end]
    if len(text) > complete.MAX_CONTEXT:
        text = text[-complete.MAX_CONTEXT :].partition("\n")[2]
    escaped = shell_escapes.replace(text)
    if escaped.last_is_escape:
        return []
    tokens, in_string = source_tokens.tokens(escaped.text)
    if not in_string and tokens and tokens[-1].type == tokenize.NAME and text.endswith(tokens[-1].string):
        return tokens
    return _call_under_way(tokens)


def _try(function, *args):
    """None for what cannot be told; the objects' own code may fail as it likes."""
    try:
        return function(*args)
    except Exception:
        return None


def _signature(name, thing):
    signature = _try(inspect.signature, thing) if callable(thing) else None
    text = None if signature is None else _try(str, signature)
    return None if text is None else name + text


def _lines(name, thing):
    kind = type(thing)
    yield "Signature", _signature(name, thing)
    yield "Type", kind.__name__
    yield "Value", reprlib.repr(thing) if kind in _PLAIN else None
    yield "Length", str(len(thing)) if kind in (bytes, dict, frozenset, list, set, str, tuple) else None
    yield "File", _try(inspect.getsourcefile, thing) or _try(inspect.getfile, thing)


def _describe(name, thing):
    head = "\n".join(f"{label + ':':<11}{value}" for label, value in _lines(name, thing) if value)
    text = _try(inspect.getdoc, thing)
    return f"{head}\n\n{text}" if isinstance(text, str) and text else head


def inspect_at(namespace, source, cursor):
    """What there is to say about the object at ``cursor`` (code points)."""
    try:
        tokens = _named(source, cursor)
        if not tokens or tokens[-1].type != tokenize.NAME:
            return _NOT_FOUND
        thing = complete.named(tokens, namespace)
        if thing is complete.NOTHING:
            return _NOT_FOUND
        text = _describe(tokens[-1].string, thing)
    except Exception:
        return _NOT_FOUND
    return {"found": True, "bundle": {"text/plain": text[:MAX_TEXT]}}
