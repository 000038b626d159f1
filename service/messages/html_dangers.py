"""What an email's HTML must not hold: what runs, what asks for an answer within the mail, what loads other pages.

Mail programs drop it, or warn of the sender. Links may be written in any way that browsers read: with entities,
capitals and blanks within the scheme (https://html.spec.whatwg.org/multipage/parsing.html,
https://url.spec.whatwg.org/#concept-basic-url-parser).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html.parser import HTMLParser
from itertools import islice

from typing_extensions import override

from service.core import caseless

MOST_NAMED = 20
"""Dangers of one document that are named."""

_RUNS = "mail programs drop it, and warn of whoever sends it: take it out"
_ASKS = 'mail programs drop forms: link to a page that has it, <a href="https://…">'
_LOADS = 'mail programs load no other page: link to it, <a href="https://…">'
_MOVES = "it changes where links and pictures come from: take it out, and write each address in full"

_ELEMENTS: Mapping[str, str] = {
    "script": _RUNS,
    **dict.fromkeys(("form", "input", "select", "textarea"), _ASKS),
    **dict.fromkeys(("iframe", "frame", "frameset", "object", "embed", "applet", "portal"), _LOADS),
    "base": _MOVES,
}

_LINKS = frozenset(
    {
        *("href", "xlink:href", "src", "srcset", "action", "formaction", "background", "poster", "cite", "data"),
        *("ping", "lowsrc", "dynsrc", "manifest"),
    }
)
_SHOWN = frozenset({"src", "srcset", "background", "poster"})
"""Attributes whose address is shown as a picture: there a picture may stand in the mail itself."""

_RUNNING = ("javascript", "vbscript", "livescript", "mocha", "data", "file", "blob", "filesystem", "view-source", "jar")
_HOW = "begin it with https:, http:, mailto: or tel:"
_PICTURE = re.compile(r"data:image/(?:png|gif|jpe?g|webp)[;,]")
_NOT_READ = re.compile(r"[\x00-\x20\x7f-\x9f\u00ad\u200b-\u200f\u2028\u2029\u2060\ufeff]")
_STYLE = re.compile(
    r"(?:java|vb)script\s*+:|(?<![\w-])expression\s*+\(|-moz-binding|(?<![\w-])behavior\s*+:", re.IGNORECASE
)
_COMMENTED = re.compile(r"<!--(?=\[if\b)|<!\[endif\]-->|<!\[if\b[^\]<>]*+\]>", re.IGNORECASE)
"""Outlook reads what stands between these (https://learn.microsoft.com/previous-versions/windows/internet-explorer)."""


@dataclass(frozen=True, slots=True)
class HtmlDanger:
    """Something that must not be mailed: where it stands, counted from 1, and what to write instead."""

    line: int
    column: int
    message: str


def dangers(document: str) -> Sequence[HtmlDanger]:
    """The first `MOST_NAMED` dangers of a template's HTML, as they stand."""
    reader = _DangerReader()
    reader.feed(_COMMENTED.sub(lambda mark: " " * len(mark[0]), document))
    reader.close()
    return reader.found


class _DangerReader(HTMLParser):
    """Looks at every tag and every style."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=False)
        self.found: list[HtmlDanger] = []
        self._is_style = False

    def _add(self, messages: Iterator[str]) -> None:
        line, column = self.getpos()
        room = MOST_NAMED - len(self.found)
        self.found += [HtmlDanger(line, column + 1, message) for message in islice(messages, room)]

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._is_style = self._is_style or tag == "style"
        self._add(_of_tag(tag, attrs))

    @override
    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._add(_of_tag(tag, attrs))

    @override
    def handle_data(self, data: str) -> None:
        if self._is_style:
            self._add(_of_style(data))

    @override
    def handle_endtag(self, tag: str) -> None:
        self._is_style = self._is_style and tag != "style"


def _of_tag(tag: str, attributes: Sequence[tuple[str, str | None]]) -> Iterator[str]:
    if tag in _ELEMENTS:
        yield f"<{tag}> cannot stand in an email: {_ELEMENTS[tag]}"
    for name, value in attributes:
        text = value or ""
        if re.fullmatch(r"on[a-z]+", name):
            yield f"{name}= runs a script: {_RUNS}"
        elif name == "style":
            yield from _of_style(text)
        elif name == "srcdoc":
            yield f"srcdoc= holds a page of its own: {_LOADS}"
        elif name in _LINKS and (fault := _of_link(name, text)):
            yield fault
        elif tag == "meta" and name == "http-equiv" and caseless(text.strip()) == "refresh":
            yield '<meta http-equiv="refresh"> goes to another page: take it out, and link to that page'


def _of_style(text: str) -> Iterator[str]:
    if (match := _STYLE.search(text)) is not None:
        yield f"a style holds {match[0]!r}, which can run a script: {_RUNS}"


def _of_link(attribute: str, address: str) -> str | None:
    """What is wrong with an address: it runs something, or the value of its slot could make it so."""
    before, slot, _ = address.partition("{{")
    plain = caseless(_NOT_READ.sub("", before))
    if attribute in _SHOWN and _PICTURE.match(plain):
        return None
    for scheme in (f"{name}:" for name in _RUNNING):
        if plain.startswith(scheme):
            return f"{attribute}= begins with {scheme}, which no mail program follows: {_HOW}"
        if slot and plain and scheme.startswith(plain):
            return f"{attribute}= begins with {before.strip()!r}, of which a value could make {scheme}: {_HOW}"
    return None
