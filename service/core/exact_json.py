"""JSON without guesses: decimals stay decimals, a key stands once, NaN is refused (RFC 8259)."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from functools import partial
from typing import Generic, TypeVar

import msgspec
import simplejson
from typing_extensions import override

from service.core.errors import TocsinError

MAX_JSON_DEPTH = 100
"""Nesting that a document may have: far beyond any request, far below Python's own limit."""


V = TypeVar("V")


class NotJson(TocsinError):
    """The text is not JSON that everybody would read alike."""


class JsonObject(Mapping[str, V], Generic[V]):
    """An object that `dumps` wrote, as its text: read when somebody looks inside, and not written a second time.

    Most of what a store reads and writes is only passed on.
    """

    __slots__ = ("_members", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self._members: dict[str, V] | None = None

    @property
    def members(self) -> dict[str, V]:
        """What the object holds, without the checks that it passed when it came in."""
        if self._members is None:
            self._members, _ = _STORED.raw_decode(self.text)  # unlike `decode` it looks for no blanks around
        return self._members

    @override
    def __getitem__(self, name: str) -> V:
        return self.members[name]

    @override
    def __iter__(self) -> Iterator[str]:
        return iter(self.members)

    @override
    def __len__(self) -> int:
        return len(self.members)

    @override
    def __repr__(self) -> str:
        return f"JsonObject({self.text!r})"


def loads(text: str | bytes) -> object:
    """Parse JSON: whole numbers as int, others as Decimal; `NotJson` says what is wrong and where."""
    try:
        text = text if isinstance(text, str) else text.decode()
        if text.startswith("\ufeff"):
            raise NotJson("it begins with a byte order mark: leave that away (RFC 8259 §8.1)")
        document = _DECODER.decode(text)
        _check_depth(document, MAX_JSON_DEPTH)
        if _MAY_BE_HALF.search(text):
            _check_characters(document)
    except RecursionError as error:
        raise NotJson(f"nested deeper than {MAX_JSON_DEPTH} levels") from error
    except (simplejson.JSONDecodeError, UnicodeDecodeError) as error:
        raise NotJson(str(error)) from error
    except ValueError as error:  # a whole number of more digits than Python converts
        raise NotJson(str(error)) from error
    except ArithmeticError as error:
        raise NotJson("a number has an exponent that is too large") from error
    return document


def dumps(document: object) -> str:
    """The shortest JSON text of a document, decimals written as the numbers they are, ASCII only."""
    return document.text if isinstance(document, JsonObject) else _encoded(document, _PLAIN, _ENCODER)


def readable(document: object) -> str:
    """`dumps` for people who read it: characters are written as they are.

    What holds half of a character, which has no UTF-8, is escaped as by `dumps`.
    """
    text = _encoded(document, _PLAIN_UTF8, _UTF8)
    return text if text.isascii() or not _HALF.search(text) else dumps(document)


def stored(text: str) -> object:
    """What `dumps` wrote, read back without the checks that it passed when it came in."""
    document, _ = _STORED.raw_decode(text)
    return document


def canonical(document: object) -> str:
    """`dumps` with sorted keys: equal documents give equal text."""
    return _encoded(document, _PLAIN_CANONICAL, _CANONICAL)


def canonical_texts(texts: Mapping[str, str]) -> str:
    """The shortest JSON text of names and texts, by name, ASCII only; what is stored has been written so already."""
    if isinstance(texts, JsonObject):
        return texts.text
    text = _SORTED.encode(dict(texts)).decode()
    return text if text.isascii() else canonical(texts)


def _encoded(document: object, plain: json.JSONEncoder, exact: simplejson.JSONEncoder) -> str:
    """The standard library's encoder takes a third of the time, and refuses decimals."""
    try:
        return plain.encode(document)
    except TypeError:
        return exact.encode(document)


def _inside(value: object) -> object:
    if isinstance(value, JsonObject):
        return value.members
    raise TypeError(f"{type(value).__name__} is not for JSON")


def _unique(pairs: Sequence[tuple[str, object]]) -> Mapping[str, object]:
    members = dict(pairs)
    if len(members) < len(pairs):
        counts = Counter(name for name, _ in pairs)
        twice = next(name for name, count in counts.items() if count > 1)
        raise NotJson(f"the name {twice!r} stands twice in one object")
    return members


def _check_depth(document: object, left: int) -> None:
    if not isinstance(document, dict | list):
        return
    if left == 0:
        raise NotJson(f"nested deeper than {MAX_JSON_DEPTH} levels")
    for value in document.values() if isinstance(document, dict) else document:
        _check_depth(value, left - 1)


def _check_characters(document: object) -> None:
    """Refuse half of a character (a lone surrogate): nothing can store or send it."""
    try:
        json.dumps(document, ensure_ascii=False, default=str).encode()
    except UnicodeEncodeError as error:
        half = f"\\u{ord(error.object[error.start]):04x}"
        raise NotJson(f"a text holds half of a character ({half}, a lone surrogate)") from error


_HALF = re.compile(r"[\ud800-\udfff]")
_MAY_BE_HALF = re.compile(r"\\u[dD][89a-fA-F]|[\ud800-\udfff]")

# Made once: the module's own functions make a new one for every call.
_DECODER = simplejson.JSONDecoder(parse_float=Decimal, allow_nan=False, object_pairs_hook=_unique)
_STORED = json.JSONDecoder(parse_float=Decimal)
_PLAIN = json.JSONEncoder(allow_nan=False, separators=(",", ":"), default=_inside)
_PLAIN_UTF8 = json.JSONEncoder(allow_nan=False, separators=(",", ":"), default=_inside, ensure_ascii=False)
_SORTED = msgspec.json.Encoder(order="deterministic")
_PLAIN_CANONICAL = json.JSONEncoder(allow_nan=False, separators=(",", ":"), default=_inside, sort_keys=True)
_EXACT = partial(simplejson.JSONEncoder, use_decimal=True, allow_nan=False, separators=(",", ":"), default=_inside)
_ENCODER, _CANONICAL, _UTF8 = _EXACT(), _EXACT(sort_keys=True), _EXACT(ensure_ascii=False)
