"""What may stand at the cursor: names, keywords, attributes, modules.

Looks at live objects and runs nothing of the user's on purpose: no call, no subscript, no property. What cannot be
avoided (``__dir__``, ``__getattr__``) may fail as it likes.
"""

import builtins
import functools
import importlib.machinery
import inspect
import keyword
import pkgutil
import sys
import tokenize

from zeroboot import shell_escapes, source_tokens

MAX_MATCHES = 100
# Of one match, in code points: with MAX_MATCHES a bound on the whole answer.
MAX_NAME = 200
# Of the source before the cursor that is looked at.
MAX_CONTEXT = 64 * 1024

_KEYWORDS = keyword.kwlist + keyword.softkwlist
# Literals without content, whose tokens are (opening, closing).
_EMPTY_LITERALS = {("[", "]"): list, ("{", "}"): dict, ("(", ")"): tuple}
# Alone, a quote is a string that its line does not end.
_QUOTES = {"'", '"'}
NOTHING = object()


def _is_name(name):
    # The type exactly: a subclass may do anything.
    return type(name) is str and len(name) <= MAX_NAME and name.isidentifier()


def _matching(names, prefix):
    """The first of the names that go on from the prefix; private ones only for who has begun one."""
    hidden = "" if prefix.startswith("__") else "__" if prefix.startswith("_") else "_"
    found = {name for name in names if _is_name(name) and name.startswith(prefix)}
    if hidden:
        found = {name for name in found if not name.startswith(hidden)}
    return sorted(found)[:MAX_MATCHES]


def _members(thing):
    try:
        return list(dir(thing))
    except Exception:
        return list(type.__dir__(type(thing)))


def _attribute(thing, name):
    """The attribute's value, or NOTHING when user code would have to compute it."""
    kind = inspect.getattr_static(type(thing), name, None)
    if isinstance(kind, (property, functools.cached_property)):
        return NOTHING
    return getattr(thing, name, NOTHING)


def _literal(token):
    """An object of the type of a string or number literal; NOTHING for other tokens."""
    if token.type == tokenize.STRING:
        return b"" if "b" in token.string[: token.string.index(token.string[-1])].lower() else ""
    if token.type == tokenize.NUMBER:
        return 0j if token.string[-1] in "jJ" else 0 if token.string.isdecimal() else 0.0
    return NOTHING


def named(tokens, namespace):
    """The object that the tokens name at their end: ``a.b.c`` or a literal. NOTHING for all else."""
    path = []
    at = len(tokens) - 1
    while at >= 1 and tokens[at].type == tokenize.NAME and tokens[at - 1].string == ".":
        path.append(tokens[at].string)
        at -= 2
    if at < 0:
        return NOTHING
    root = tokens[at]
    if root.type == tokenize.NAME and not keyword.iskeyword(root.string):
        thing = namespace.get(root.string, NOTHING)
        if thing is NOTHING:
            thing = getattr(builtins, root.string, NOTHING)
    elif at >= 1 and (tokens[at - 1].string, root.string) in _EMPTY_LITERALS:
        before = tokens[at - 2] if at >= 2 else None
        called = before is not None and (before.string in {")", "]", "}"} or _is_value_name(before))
        thing = NOTHING if called else _EMPTY_LITERALS[tokens[at - 1].string, root.string]()
    else:
        thing = _literal(root)
    for name in reversed(path):
        if thing is NOTHING:
            break
        thing = _attribute(thing, name)
    return thing


def _is_value_name(token):
    return token.type in (tokenize.NAME, tokenize.STRING) and not keyword.iskeyword(token.string)


def _package_path(name):
    """Where a package's modules are, without importing it."""
    path = None
    parts = name.split(".")
    for end in range(1, len(parts) + 1):
        package = ".".join(parts[:end])
        module = sys.modules.get(package)
        if module is not None:
            path = getattr(module, "__path__", None)
        else:
            spec = importlib.machinery.PathFinder.find_spec(package, path)
            path = spec and spec.submodule_search_locations
        if path is None:
            return []
        path = list(path)
    return path


def _modules(package):
    """Names of the modules in a package; of those at the top for an empty name."""
    path = _package_path(package) if package else None
    names = [module.name for module in pkgutil.iter_modules(path)]
    return names if package else names + list(sys.builtin_module_names)


def _statement(tokens):
    """The tokens of the statement under way."""
    for at in range(len(tokens) - 1, -1, -1):
        if tokens[at].type == tokenize.NEWLINE or tokens[at].string in {";", ":"}:
            return tokens[at + 1 :]
    return tokens


def _dotted(tokens):
    """The dotted name at the end, as text: ``a.b.`` for the tokens ``import a . b .``."""
    name = ""
    for token in reversed(tokens):
        if token.string != "." and (token.type != tokenize.NAME or keyword.iskeyword(token.string)):
            break
        name = token.string + name
    return name


def _imported(statement):
    """The names an import statement may go on with; None when it is none."""
    words = [token.string for token in statement]
    if not words or words[0] not in {"import", "from"}:
        return None
    if words[0] == "from" and "import" in words:
        # "from .x": cells are in no package.
        module = "".join(words[1 : words.index("import")])
        if words[-1] not in {"import", ",", "("} or module.startswith("."):
            return []
        members = _members(sys.modules[module]) if module in sys.modules else []
        return members + _modules(module)
    if words[-1] in {words[0], ",", "."}:
        package = _dotted(statement[1:])
        return [] if package.startswith(".") else _modules(package.rstrip("."))
    return ["import"] if words[0] == "from" else ["as"]


def _candidates(before, prefix, namespace):
    imported = _imported(_statement(before))
    if imported is not None:
        return imported
    if before and before[-1].string == ".":
        thing = named(before[:-1], namespace)
        return [] if thing is NOTHING else _members(thing)
    names = list(namespace)
    # Of all the names there are, only the user's own are worth showing unasked.
    return names + dir(builtins) + _KEYWORDS if prefix else names


def _at_cursor(text):
    """The tokens before the word at the cursor, and that word; None inside a string, comment or command."""
    escaped = shell_escapes.replace(text)
    if escaped.last_is_escape:
        return None
    tokens, in_string = source_tokens.tokens(escaped.text)
    if in_string:
        return None
    if not tokens:
        return tokens, ""
    last = tokens[-1]
    touches = text.endswith(last.string)
    if any(token.type == tokenize.ERRORTOKEN and token.string in _QUOTES for token in tokens):
        return None
    if last.type == tokenize.COMMENT and touches:
        return None
    tokens = [token for token in tokens if token.type != tokenize.COMMENT]
    if touches and last.type == tokenize.NAME:
        return tokens[:-1], last.string
    if touches and last.type in (tokenize.NUMBER, tokenize.STRING):
        return None
    return tokens, ""


def complete(namespace, source, cursor):
    """Matches for ``source`` at ``cursor`` (code points), sorted: each may stand in place of [start, end)."""
    end = max(0, min(cursor, len(source)))
    text = source[:end]
    if len(text) > MAX_CONTEXT:
        # From a line's beginning on.
        text = text[-MAX_CONTEXT:].partition("\n")[2]
    matches = []
    prefix = ""
    try:
        found = _at_cursor(text)
        if found is not None:
            before, prefix = found
            matches = _matching(_candidates(before, prefix, namespace), prefix)
    except Exception:
        matches = []
    return {"matches": matches, "start": end - len(prefix), "end": end}
