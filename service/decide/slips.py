"""What people write in conditions who come from Excel, SQL or plain English, and what to write instead."""

from __future__ import annotations

COMPARES = {
    "=": "==",
    "===": "==",
    "<>": "!=",
    "!==": "!=",
    "=<": "<=",
    "=>": ">=",
    "≤": "<=",
    "⩽": "<=",
    "≥": ">=",
    "⩾": ">=",
    "≠": "!=",
}
"""Signs that mean a comparison elsewhere."""

INVISIBLE = {
    "\u00a0": "no-break space",
    "\u00ad": "soft hyphen",
    "\u2007": "figure space",
    "\u2009": "thin space",
    "\u200b": "zero-width space",
    "\u200c": "zero-width non-joiner",
    "\u200d": "zero-width joiner",
    "\u200e": "left-to-right mark",
    "\u200f": "right-to-left mark",
    "\u202f": "narrow no-break space",
    "\u2060": "word joiner",
    "\u3000": "ideographic space",
    "\ufeff": "byte order mark",
}
"""Characters that come along with text copied from Word, Teams or a web page."""

_TEXT_TESTS = frozenset({"contains", "contain", "like", "matches", "match", "starts", "startswith", "ends", "endswith"})
_NO_TEXT_TESTS = "the language has no {}: texts are compared as a whole, with == or in [..]"
_WORDS = {
    **dict.fromkeys(("equals", "equal", "eq"), "write =="),
    **dict.fromkeys(("greater", "above", "over", "after", "gt"), "write >"),
    **dict.fromkeys(("less", "below", "under", "before", "lt"), "write <"),
    **dict.fromkeys(("differs", "ne"), "write !="),
    "then": "leave it out: actions stand under then:",
    "xor": "there is no xor: write (a and not b) or (not a and b)",
    "where": "write and",
    "plus": "conditions compute nothing: let the caller send the result as a fact",
}
_ARITHMETIC = frozenset("+-*/%^")
_BEFORE_FACT = {
    "if": "leave it out: a condition begins with its first fact",
    "when": "leave it out: a condition begins with its first fact",
}
_AFTER_IS = {
    **dict.fromkeys(("empty", "blank", "unknown", "absent"), "write is missing"),
    **dict.fromkeys(("present", "given", "known", "filled"), "write is not missing"),
}


def after_fact(fact: str, sign: str) -> str | None:
    """What to write instead of a word or sign that no comparison begins with."""
    if fact in _BEFORE_FACT:
        return _BEFORE_FACT[fact]
    if sign == "(":
        return f"there are no functions such as {fact}(..): let the caller send the result as a fact"
    return _word(sign)


def after_comparison(sign: str) -> str | None:
    """What to write instead of a word or sign behind a whole comparison."""
    return _word(sign)


def after_is(word: str, *, negated: bool) -> str:
    """What to write instead of `is WORD` or `is not WORD`."""
    if word in _AFTER_IS:
        return _AFTER_IS[word]
    if word in ("in", "between"):
        return f"write {'not ' if negated else ''}{word} without is"
    return "write != to compare, or is not missing" if negated else "write == to compare, or is missing"


def _word(sign: str) -> str | None:
    lowered = sign.lower()
    if lowered in _TEXT_TESTS:
        return _NO_TEXT_TESTS.format(lowered)
    if sign in _ARITHMETIC:
        return "conditions compute nothing: let the caller send the result as a fact, and compare that"
    return _WORDS.get(lowered)
