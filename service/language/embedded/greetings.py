"""Whom the first line of a message greets: `Hello Anna,`."""

from __future__ import annotations

import re
from dataclasses import dataclass

from service.core import Tag

_WORD = r"[^\W\d_][\w'’.-]{0,40}"
GREETING = re.compile(rf"^(?P<hello>[ \t]*(?:Hello|Hi|Dear) )(?P<name>{_WORD}(?: {_WORD}){{0,3}})(?=,)", re.MULTILINE)
"""A greeting up to its comma."""

_EVERYBODY = """
all everyone everybody team colleague colleagues customer customers guest guests friend friends sir madam parent parents
student students resident residents member members there folks neighbour neighbours neighbor neighbors
"""
_NOBODYS = frozenset(_EVERYBODY.split())
"""Words that greet whoever reads it."""


@dataclass(frozen=True, slots=True)
class Name:
    """A name: the same in every language."""

    text: str
    kind: str = "name"

    def written(self, _reader: Tag, /) -> str:
        return self.text


def is_name(words: str) -> bool:
    """Whether the words of a greeting name somebody."""
    return words[0].isupper() and words.split(maxsplit=1)[0].lower() not in _NOBODYS
