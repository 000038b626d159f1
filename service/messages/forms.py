"""A text with slots: `Hello {{ first_name }}, the order of {{ order.placed | date }} is {{ total | money("EUR") }}`.

Names, filters that write a value for its reader, and what stands where there is none: nothing else. There are no loops,
conditions, calls or attributes, so a text that an
administrator or an app supplies can neither run code nor grow without bound.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import tzinfo
from typing import NoReturn

from service.core import LiteralText, Placeholder, Tag, TocsinError, placeholders
from service.messages.formats import FILTERS, Unformattable, plainly

MAX_SOURCE = 256 * 1024
"""Characters of one form."""

MAX_VALUE = 2_000
"""Characters that one slot may be filled with."""

_NAME = re.compile(r"[A-Za-z_]\w*+(?:\.\w++)*+", re.ASCII)
_FILTER = re.compile(r"""\s*+([a-z]++)\s*+(?:\(\s*+(?:"([^"]*+)"|'([^']*+)')\s*+\))?+\s*+""", re.ASCII)
_BARE_OPTION = re.compile(r"""[\s:=(]*+["'“”„‘’«»`]?([^"'“”„‘’«»`(){}|]{1,40})""")
_FORBIDDEN = re.compile(r"\{\{|\{%")
_HOW = 'write {{ name }}, {{ name | date }} or {{ name | default("there") }}: names, dots and filters, nothing else'

DEFAULT = "default"
"""The filter that says what stands where a variable is missing or empty."""

MAX_DEFAULT = 100


class FormRefused(TocsinError):
    """A text whose slots cannot be read; `line` and `column` count from 1."""

    def __init__(self, where: str, line: int, column: int, message: str) -> None:
        super().__init__(f"{where}:{line}:{column}: {message}")
        self.line = line
        self.column = column


class NotFilled(TocsinError):
    """A slot that cannot be filled; `name` is the variable it reads."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(f"variable {name!r} {message}")
        self.name = name
        self.message = message


class NotWritten(TocsinError):
    """A value that must not stand where its slot is; the text says what would fit, as in "variable 'url' …"."""


Write = Callable[[str, str], str]
"""How a value is written, given the text before it, at most `BEFORE` characters; `NotWritten`."""

BEFORE = 2_000
"""Characters before a slot that say where it stands: an address may have as many."""


def _as_it_is(value: str, _: str) -> str:
    return value


@dataclass(frozen=True, slots=True)
class Slot:
    """The place of a variable: its dotted name, how it is written out, and what stood in the source.

    `default` stands there when the variable is missing or empty; None where it must be there.
    """

    name: str
    filter: str | None
    option: str | None
    source: str
    default: str | None = None


@dataclass(frozen=True, slots=True)
class Form:
    """A parsed text: literal parts and slots in turn."""

    parts: tuple[str | Slot, ...]

    @property
    def source(self) -> str:
        """The text as it was written: what is translated."""
        return "".join(part if isinstance(part, str) else part.source for part in self.parts)

    @property
    def names(self) -> frozenset[str]:
        """The variables it reads."""
        return frozenset(part.name for part in self.parts if isinstance(part, Slot))

    @property
    def needed(self) -> frozenset[str]:
        """The variables that must be there."""
        return frozenset(part.name for part in self.parts if isinstance(part, Slot) and part.default is None)

    def fill(
        self, variables: Mapping[str, object], locale: Tag, write: Write = _as_it_is, zone: tzinfo | None = None
    ) -> str:
        """The text with every slot filled as the reader's locale writes it; `NotFilled` names one that cannot be.

        `write` says how a value stands in the text: escaped, for example. `zone` is where the reader lives. A line that
        only holds slots, all of them empty, is left out.
        """
        text: list[str] = []
        before = ""
        for part in self.parts:
            text.append(
                part if isinstance(part, str) else _written(part, before, variables, locale, write, zone) or _EMPTY
            )
            before = f"{before[-BEFORE:]}{text[-1][-BEFORE:]}"[-BEFORE:]
        return _without_empty_lines("".join(text)) if _EMPTY in text else "".join(text)

    def unfit(self, variables: Mapping[str, object], locale: Tag, write: Write = _as_it_is) -> Iterator[NotFilled]:
        """Every slot that `fill` could not fill."""
        for before, part in zip(("", *self.parts), self.parts, strict=False):
            if isinstance(part, Slot):
                try:
                    _written(part, before if isinstance(before, str) else "", variables, locale, write)
                except NotFilled as error:
                    yield error


def parse_form(text: str, where: str = "text") -> Form:
    """The form that `text` writes; `FormRefused` for anything between braces that is no slot, saying where it is."""
    if len(text) > MAX_SOURCE:
        raise FormRefused(where, 1, 1, f"the text has {len(text):,} characters and may have {MAX_SOURCE:,}")
    return Form(tuple(_part(text, part, where) for part in placeholders.split(text)))


def missing(forms: Iterable[Form], variables: Mapping[str, object]) -> frozenset[str]:
    """The variables that `forms` need and `variables` lacks."""
    read = frozenset[str]().union(*(form.needed for form in forms))
    return frozenset(name for name in read if _look_up(name, variables) is None)


_EMPTY = "\0"
_EMPTY_LINE = re.compile(r"^[ \t]*\0[ \t\0]*(?:<br>)?(?:\n|\Z)", re.MULTILINE)


def _without_empty_lines(text: str) -> str:
    return _EMPTY_LINE.sub("", text).replace(_EMPTY, "")


def _part(text: str, part: LiteralText | Placeholder, where: str) -> str | Slot:
    if isinstance(part, Placeholder):
        return _slot(text, part, where)
    if (bad := _FORBIDDEN.search(part.text)) is not None:
        _refuse(text, part.at + bad.start(), where, _HOW)
    return part.text


def _slot(text: str, part: Placeholder, where: str) -> Slot:
    name, bar, rest = (piece.strip() for piece in part.name.partition("|"))
    if not _NAME.fullmatch(name):
        _refuse(text, part.at, where, _HOW)
    if not bar:
        return Slot(name, None, None, part.text)
    written, default = _filters(text, part, rest, where)
    return Slot(name, *written, part.text, default)


def _filters(text: str, part: Placeholder, rest: str, where: str) -> tuple[tuple[str | None, str | None], str | None]:
    """The filter that writes the value, with its option, and the default: at most one of each, in any order."""
    way: tuple[str | None, str | None] = (None, None)
    default: str | None = None
    for place, filter_name, option in _named_filters(text, part, rest, where):
        if filter_name == DEFAULT and default is None:
            if option is None or len(option) > MAX_DEFAULT:
                _refuse(
                    text, place, where, f'the filter default takes up to {MAX_DEFAULT} characters: default("there")'
                )
            default = option
        elif filter_name in FILTERS and way[0] is None:
            if (fault := FILTERS[filter_name].fault(option)) is not None:
                _refuse(text, place, where, fault)
            way = (filter_name, option)
        elif filter_name in {DEFAULT, *FILTERS}:
            _refuse(text, place, where, _HOW)
        else:
            known = ", ".join((*FILTERS, DEFAULT))
            _refuse(text, place, where, f"there is no filter {filter_name!r}: use {known}")
    return way, default


def _named_filters(text: str, part: Placeholder, rest: str, where: str) -> Iterator[tuple[int, str, str | None]]:
    """Each filter after the name, with its option; the place is that of the whole slot."""
    at = 0
    while True:
        written = _FILTER.match(rest, at)
        if written is None:
            _refuse(text, part.at, where, _HOW)
        name, double, single = written.groups()
        at = written.end()
        if at < len(rest) and rest[at] != "|" and name in {DEFAULT, *FILTERS}:
            _refuse(text, part.at, where, _in_quotes(name, rest[at:]))
        yield part.at, name, double if double is not None else single
        if at == len(rest):
            return
        at += 1


def _in_quotes(filter_name: str, rest: str) -> str:
    """How a filter is written whose option has no straight quotes, or no brackets, around it."""
    written = _BARE_OPTION.match(rest)
    option = written[1].strip() if written else "…"
    return f'write {filter_name}("{option}"): what a filter is told stands in brackets and straight quotes'


def _refuse(text: str, at: int, where: str, message: str) -> NoReturn:
    line = text.count("\n", 0, at) + 1
    raise FormRefused(where, line, at - text.rfind("\n", 0, at), message)


def _written(
    slot: Slot,
    before: str,
    variables: Mapping[str, object],
    locale: Tag,
    write: Write,
    zone: tzinfo | None = None,
) -> str:
    try:
        return write(_value(slot, variables, locale, zone), before)
    except NotWritten as error:
        raise NotFilled(slot.name, str(error)) from None


def _value(slot: Slot, variables: Mapping[str, object], locale: Tag, zone: tzinfo | None) -> str:
    value = _look_up(slot.name, variables)
    if slot.default is not None and (value is None or (isinstance(value, str) and not value.strip())):
        return slot.default
    if value is None:
        raise NotFilled(slot.name, "is missing")
    try:
        text = FILTERS[slot.filter].write(value, slot.option, locale, zone) if slot.filter else plainly(value)
    except Unformattable as error:
        raise NotFilled(slot.name, str(error)) from None
    if len(text) > MAX_VALUE:
        raise NotFilled(slot.name, f"has {len(text):,} characters and may have {MAX_VALUE:,}")
    return text


def _look_up(name: str, variables: Mapping[str, object]) -> object | None:
    """`driver.name` is the member `driver.name` itself or the member `name` of `driver`."""
    if name in variables:
        return variables[name]
    value: object = variables
    for step in name.split("."):
        if not isinstance(value, Mapping) or step not in value:
            return None
        value = value[step]
    return value
