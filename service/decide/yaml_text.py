"""Values as YAML writes them, so that our own parser reads back exactly what was meant."""

from __future__ import annotations

import json
import re

from service.core import caseless
from service.decide.ruleset import Fact, FactType, Value
from service.decide.values import canonical

_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_-]*(?: [A-Za-z0-9_-]+)*")
_SPECIAL = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
"""What YAML calls unprintable or a line break and JSON does not."""

_WORDS = frozenset({"true", "false", "null"})


def value(fact: Fact, value: Value) -> str:
    """A value of a fact: numbers and truth bare, all else as text."""
    written = canonical(fact, value)
    if isinstance(written, bool):
        return str(written).lower()
    return str(written) if fact.type in (FactType.INTEGER, FactType.DECIMAL) else text(str(written))


def text(written: str) -> str:
    """A text, quoted unless it can be nothing else; YAML's double quotes are JSON's, except for pairs of surrogates."""
    if _PLAIN.fullmatch(written) and caseless(written) not in _WORDS:
        return written
    quoted = json.dumps(written, ensure_ascii=False)
    return _SPECIAL.sub(lambda match: f"\\u{ord(match[0]):04x}", quoted)


def sentence(written: str) -> str:
    """A text of our own making, bare where YAML reads it so: a condition, say."""
    bare = written[:1].isalpha() and written.isprintable() and not any(mark in written for mark in (": ", " #"))
    return written if bare and not written.endswith(":") else text(written)


def comment(written: str) -> str:
    """A text that may stand behind a `#`."""
    return "".join(character if character.isprintable() else " " for character in written)
