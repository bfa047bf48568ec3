"""A value in the forms it can be shown in, by MIME type, as Jupyter's rich representations have them."""

import base64
import binascii
import json
import sys
import traceback

import _zblink as link

# Of text/plain, and of all parts together (client/src/protocol/limits.ts, MAX_BUNDLE_BYTES), bytes.
MAX_TEXT = 256 * 1024
MAX_BUNDLE = 960 * 1024

# In the order in which they are sent: the first ones have the best chance to fit.
_PARTS = {
    "text/plain": link.MIME_TEXT,
    "image/png": link.MIME_PNG,
    "image/jpeg": link.MIME_JPEG,
    "text/html": link.MIME_HTML,
    "image/svg+xml": link.MIME_SVG,
    "text/markdown": link.MIME_MARKDOWN,
    "text/latex": link.MIME_LATEX,
    "application/json": link.MIME_JSON,
}
_METHODS = (
    ("text/html", "_repr_html_"),
    ("image/png", "_repr_png_"),
    ("image/jpeg", "_repr_jpeg_"),
    ("image/svg+xml", "_repr_svg_"),
    ("text/markdown", "_repr_markdown_"),
    ("text/latex", "_repr_latex_"),
    ("application/json", "_repr_json_"),
)
_PICTURES = {"image/png", "image/jpeg"}
# Types without such methods, which most values are of.
_PLAIN = frozenset({bool, bytes, complex, dict, float, frozenset, int, list, range, set, str, tuple, type(None)})


def _call(value, name, **options):
    return getattr(value, name)(**options)


def _attempt(function, *args, **options):
    """What it returns. One that fails is told, as Jupyter does, and leaves the other forms."""
    try:
        return function(*args, **options)
    except Exception as error:
        error.__traceback__ = error.__traceback__ and error.__traceback__.tb_next
        traceback.print_exception(error, file=sys.stderr)
        return None


def _without_metadata(value):
    return value[0] if isinstance(value, tuple) and len(value) == 2 else value


def plain_text(value):
    text = repr(value)
    return text if isinstance(text, str) else str(text)


def of(value, figures):
    """The forms of a value. Raises what its ``repr`` does.

    ``figures``: forms of values of libraries that leave it to their user, by a function of the value.
    """
    kind = type(value)
    if kind in _PLAIN:
        return {"text/plain": plain_text(value)}
    found = {}
    # Asked of the type: objects that have any attribute they are asked for would have these too.
    if getattr(kind, "_repr_mimebundle_", None) is not None:
        forms = _without_metadata(_attempt(_call, value, "_repr_mimebundle_", include=None, exclude=None))
        if isinstance(forms, dict):
            found.update(forms)
    for mime_type, name in _METHODS:
        if mime_type not in found and getattr(kind, name, None) is not None:
            form = _without_metadata(_attempt(_call, value, name))
            if form is not None:
                found[mime_type] = form
    for mime_type, form in (_attempt(figures, value) or {}).items():
        found.setdefault(mime_type, form)
    if not isinstance(found.get("text/plain"), str):
        found["text/plain"] = plain_text(value)
    return found


def _encode(mime_type, form):
    """Bytes of one form; None where it is of a type that it cannot be."""
    if mime_type in _PICTURES:
        if isinstance(form, str):
            try:
                return base64.b64decode(form)
            except binascii.Error:
                return None
        return bytes(form) if isinstance(form, (bytes, bytearray, memoryview)) else None
    if mime_type == "application/json" and not isinstance(form, str):
        form = _attempt(json.dumps, form, ensure_ascii=False)
    return form.encode("utf-8", "backslashreplace") if isinstance(form, str) else None


def cut_text(text):
    """UTF-8 of a text of any length, and whether it was too long."""
    data = text.encode("utf-8", "backslashreplace")
    if len(data) <= MAX_TEXT:
        return data, False
    return data[:MAX_TEXT].decode("utf-8", "ignore").encode("utf-8"), True


def parts(forms):
    """The parts that link.send_bundle takes, and whether something was too large for them."""
    text, truncated = cut_text(forms["text/plain"])
    taken = [(link.MIME_TEXT, text)]
    room = MAX_BUNDLE - len(text)
    for mime_type, index in _PARTS.items():
        if mime_type == "text/plain" or mime_type not in forms:
            continue
        data = _encode(mime_type, forms[mime_type])
        if data is None:
            continue
        if len(data) > room:
            truncated = True
            continue
        taken.append((index, data))
        room -= len(data)
    return taken, truncated
