"""HTML of an email: styles inlined, a plain-text twin, its texts for translation, a layout for plain announcements."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Mapping
from html.parser import HTMLParser
from importlib import resources

import css_inline
from inscriptis import get_text
from inscriptis.model.config import ParserConfig
from typing_extensions import override

from service.core import placeholders
from service.core.errors import TocsinError
from service.messages.forms import NotWritten

_SILENT = frozenset({"style", "script", "title", "head"})
_INLINER = css_inline.CSSInliner(keep_at_rules=True)  # without it @media rules, and so phones, are forgotten
_SLOT = re.compile(placeholders.PATTERN)
_HELD = re.compile(r"tocsin-slot-(\d+)-")
_URL_ATTRIBUTE = re.compile(r"""(?:href|src|action|background)\s*+=\s*+["']?+\s*+$""", re.IGNORECASE)

_HARMLESS_URL = re.compile(r"(?:https?://|mailto:|tel:)", re.IGNORECASE)


class HtmlRefused(TocsinError):
    """HTML that must not be mailed."""


def inlined(document: str) -> str:
    """The document with its styles in `style` attributes, as mail programs need it; slots are left alone."""
    return _around_slots(document, _INLINER.inline)


def plain_text(document: str) -> str:
    """What the document says, links written out; slots are left alone."""
    return _around_slots(document, lambda text: str(get_text(text, ParserConfig(display_links=True)))).strip() + "\n"


def texts(document: str) -> tuple[str, ...]:
    """The texts of the document in order, entities decoded: what a translator is given, one text node at a time."""
    return tuple(piece.strip() for is_text, piece in _pieces(document) if is_text and piece.strip())


def with_texts(document: str, translated: Mapping[str, str]) -> str:
    """The document with its texts replaced; one that `translated` lacks stays as it is."""

    def written(piece: str) -> str:
        said = piece.strip()
        around = piece.partition(said) if said else (piece, "", "")
        return around[0] + html.escape(translated.get(said, said), quote=False) + around[2]

    return "".join(written(piece) if is_text else piece for is_text, piece in _pieces(document))


def check_slots(document: str, where: str) -> None:
    """`HtmlRefused` for a slot inside a tag but outside a quoted value, or inside a script or style."""
    if re.search(r"<script", document, re.IGNORECASE):
        raise HtmlRefused(f"{where}: emails hold no scripts: mail programs drop them")
    for tag in re.findall(r"<[^<>]*+>", document):
        if _SLOT.search(re.sub(r"""=\s*("[^"]*"|'[^']*')""", "", tag)):
            raise HtmlRefused(f"{where}: a slot inside a tag must stand in a quoted value")


def written_safely(value: str, before: str) -> str:
    """A value as HTML text or quoted attribute; `NotWritten` for a link to anything but a page, mailbox or phone."""
    if _URL_ATTRIBUTE.search(before[-40:]) and not _HARMLESS_URL.match(value):
        raise NotWritten("is no link that an email may hold: begin it with https:, http:, mailto: or tel:")
    return html.escape(value, quote=True)


def letter(language: str, title: str, body: str) -> str:
    """The document of an email that has no template: `title` is plain text, `body` is HTML; both may hold slots."""
    page = resources.files("service.messages").joinpath("layout.html").read_text(encoding="utf-8")
    for name, value in (("language", language), ("title", html.escape(title, quote=False)), ("body", body)):
        page = page.replace(f"[[{name}]]", value)
    return page


def paragraphs(text: str) -> str:
    """Plain text as HTML: blank lines part paragraphs, line ends stay; slots are left alone."""
    blocks = [block.strip() for block in re.split(r"\n\s*\n", text.strip())]
    return "\n".join(f"<p>{html.escape(block, quote=False)}</p>".replace("\n", "<br>\n") for block in blocks)


def _around_slots(document: str, change: Callable[[str], str]) -> str:
    """Apply `change` while slots are hidden from it as words."""
    slots: list[str] = []

    def hide(match: re.Match[str]) -> str:
        slots.append(match[0])
        return f"tocsin-slot-{len(slots) - 1}-"

    changed = change(_SLOT.sub(hide, document))
    return _HELD.sub(lambda match: slots[int(match[1])], changed)


def _pieces(document: str) -> list[tuple[bool, str]]:
    reader = _Reader()
    reader.feed(document)
    reader.close()
    return reader.pieces


class _Reader(HTMLParser):
    """Cuts a document into texts and everything else, losing nothing."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=False)
        self.pieces: list[tuple[bool, str]] = []
        self._silent = 0

    def _markup(self, raw: str) -> None:
        self.pieces.append((False, raw))

    def _text(self, raw: str) -> None:
        if self._silent:
            self._markup(raw)
        elif self.pieces and self.pieces[-1][0]:
            self.pieces[-1] = (True, self.pieces[-1][1] + html.unescape(raw))
        else:
            self.pieces.append((True, html.unescape(raw)))

    @override
    def handle_starttag(self, tag: str, attrs: object) -> None:
        self._markup(self.get_starttag_text() or "")
        self._silent += tag in _SILENT

    @override
    def handle_startendtag(self, tag: str, attrs: object) -> None:
        self._markup(self.get_starttag_text() or "")

    @override
    def handle_endtag(self, tag: str) -> None:
        self._markup(f"</{tag}>")
        self._silent = max(0, self._silent - (tag in _SILENT))

    @override
    def handle_data(self, data: str) -> None:
        self._text(data)

    @override
    def handle_entityref(self, name: str) -> None:
        self._text(f"&{name};")

    @override
    def handle_charref(self, name: str) -> None:
        self._text(f"&#{name};")

    @override
    def handle_comment(self, data: str) -> None:
        self._markup(f"<!--{data}-->")

    @override
    def handle_decl(self, decl: str) -> None:
        self._markup(f"<!{decl}>")
