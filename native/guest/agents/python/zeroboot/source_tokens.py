"""The tokens of source that need not be finished: what complete.py and check.py look at."""

import io
import tokenize

# Tokens that say nothing about what the source means.
_LAYOUT = {tokenize.NL, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER, tokenize.ENCODING}


def tokens(text):
    """The tokens up to where the source breaks off or goes wrong, and whether that is inside a string.

    Layout is left out, but for the NEWLINE after each statement.
    """
    found = []
    in_string = False
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type not in _LAYOUT:
                found.append(token)
    except tokenize.TokenError as error:
        in_string = "string" in str(error.args[0])
    except SyntaxError:
        # Indentation that fits nothing: the last line may still be looked at by itself.
        return tokens(text.rpartition("\n")[2].lstrip())
    # The tokenizer ends a last line without an end itself.
    if found and found[-1].type == tokenize.NEWLINE and found[-1].string == "":
        found.pop()
    return found, in_string
