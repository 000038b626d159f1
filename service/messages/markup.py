"""HTML of an email: styles inlined, a plain-text twin, values in it, a layout for plain announcements."""

from __future__ import annotations

import html
import re
import textwrap
from collections.abc import Callable, Sequence
from importlib import resources
from urllib.parse import quote

import css_inline
from inscriptis import get_text
from inscriptis.model.config import ParserConfig

from service.core import Tag, TocsinError, html_layout, placeholders
from service.messages.forms import NotWritten

_INLINER = css_inline.CSSInliner(keep_at_rules=True)  # without it @media rules, and so phones, are forgotten
_SLOT = re.compile(placeholders.PATTERN)
_HELD = re.compile(r"tocsin-slot-(\d+)-")
_URL_ATTRIBUTE = re.compile(r"""(?:href|src|action|background)\s*+=\s*+["']?+\s*+$""", re.IGNORECASE)

_IN_A_QUERY = re.compile(
    r"""\b(?:href|src|action|background)\s*+=\s*+(?:"[^"?]*+\?[^"]*+|'[^'?]*+\?[^']*+)\Z""", re.IGNORECASE
)
_HARMLESS_URL = re.compile(r"(?:https?://|mailto:|tel:)", re.IGNORECASE)


UNSUBSCRIBE = "unsubscribe_url"
"""The variable that holds the link by which a reader of bulk mail gets no more."""

UNSUBSCRIBE_SLOT = f"{{{{ {UNSUBSCRIBE} }}}}"


class HtmlRefused(TocsinError):
    """HTML that must not be mailed."""


def inlined(document: str) -> str:
    """The document with its styles in `style` attributes, as mail programs need it; slots are left alone."""
    return _around_slots(document, _INLINER.inline)


def plain_text(document: str) -> str:
    """What the document says, links written out: `label: address`, within a line `label (address)`. Slots stay."""

    def read(text: str) -> str:
        converted = textwrap.dedent(str(get_text(html_layout.bounded(text), ParserConfig(display_links=True))))
        return _LINK.sub(_written_out, converted)

    return _around_slots(document, read).strip() + "\n"


_LINK = re.compile(r"\[([^\[\]]*)\]\(([^\s()]+)\)")


def _written_out(link: re.Match[str]) -> str:
    label, target = link[1].strip(), link[2].removeprefix("mailto:")
    if not label or label in target or target in label:
        return target
    end_of_line = link.string.find("\n", link.end())
    ends_a_line = not link.string[link.end() : end_of_line if end_of_line >= 0 else None].strip()
    return f"{label}: {target}" if ends_a_line else f"{label} ({target})"


def check_slots(document: str, where: str) -> None:
    """`HtmlRefused` for a slot inside a tag but outside a quoted value, or for a script; says in which line."""
    if (script := re.search(r"<script", document, re.IGNORECASE)) is not None:
        at = _line_and_column(document, script.start())
        raise HtmlRefused(f"{where}:{at}: emails hold no scripts: mail programs drop them")
    for tag in re.finditer(r"<(?!!--(?!\[))[^<>]*+>", document):
        if _SLOT.search(re.sub(r"""=\s*("[^"]*"|'[^']*')""", "", tag[0])):
            at = _line_and_column(document, tag.start())
            raise HtmlRefused(f"{where}:{at}: a slot inside a tag must stand in a quoted value")


def _line_and_column(document: str, at: int) -> str:
    return f"{document.count(chr(10), 0, at) + 1}:{at - document.rfind(chr(10), 0, at)}"


def written_safely(value: str, before: str) -> str:
    """A value as HTML text or quoted attribute, as one parameter of a link where it stands behind a `?`.

    `NotWritten` for a link to anything but a page, mailbox or phone.
    """
    if _URL_ATTRIBUTE.search(before[-40:]) and not _HARMLESS_URL.match(value):
        raise NotWritten("is no link that an email may hold: begin it with https:, http:, mailto: or tel:")
    return html.escape(quote(value, safe="") if _IN_A_QUERY.search(before) else value, quote=True)


def written_in_frame(value: str, before: str) -> str:
    """A value in a letter of our own layout, where a web address is a link of its own."""
    is_link = before.rfind("<") <= before.rfind(">") and _ADDRESS.fullmatch(value)
    if not is_link:
        return written_safely(value, before)
    return _linked(html.escape(value, quote=False)).replace("<a ", f'<a style="color: {LINK_COLOUR};" ', 1)


LINK_COLOUR = "#9a3412"
"""As `layout.html` says: its styles are inlined before values stand in it."""


def written_plainly(value: str, before: str) -> str:
    """A value in plain text, as one parameter of an address where it stands behind its `?`."""
    words = before[-_LONGEST_ADDRESS:].split()
    word = words[-1] if words and not before[-1].isspace() else ""
    address, mark, _ = word.lstrip("(<").partition("?")
    is_address = "@" in address or address.lower().startswith(("http://", "https://", "mailto:"))
    return quote(value, safe="") if mark and is_address else value


_LONGEST_ADDRESS = 2_000


def letter(
    language: Tag,
    title: str,
    body: str,
    *,
    preheader: str = "",
    kind: str = "",
    foot: Sequence[str] = (),
    leave: str = "",
) -> str:
    """The document of an email that has no template of its own. All may hold slots; `body` is HTML, the rest is text.

    The `preheader` is what a list of mails shows behind the subject, `kind` stands above its heading, `foot` says why
    somebody gets it, and `leave` is what the link is called by which they get no more.
    """
    page = resources.files("service.messages").joinpath("layout.html").read_text(encoding="utf-8")
    before = f'<div class="pre">{html.escape(preheader, quote=False)}</div>\n' if preheader else ""
    above = f'<p class="kind">{html.escape(kind, quote=False)}</p>\n' if kind else ""
    below = "".join(f"<p>{html.escape(text, quote=False)}</p>" for text in foot)
    if leave:
        below += f'<p><a href="{UNSUBSCRIBE_SLOT}">{html.escape(leave, quote=False)}</a></p>'
    values = {
        "language": str(language),
        "direction": direction(language),
        "title": html.escape(title, quote=False),
        "preheader": before,
        "foot": f'<div class="foot">{below}</div>\n' if below else "",
        "body": above + body,
    }
    for name, value in values.items():
        page = page.replace(f"[[{name}]]", value)
    return page


def body_of(document: str) -> str:
    """What stands between `<body>` and `</body>`; the whole document where it has none."""
    _, opening, rest = document.partition("<body")
    if not opening:
        return document
    return rest.partition(">")[2].rpartition("</body>")[0]


def with_body(document: str, body: str) -> str:
    """The document with another body; the body alone where it has none."""
    before, opening, rest = document.partition("<body")
    if not opening:
        return body
    attributes, closing, content = rest.partition(">")
    return f"{before}{opening}{attributes}{closing}{body}</body>{content.rpartition('</body>')[2]}"


def direction(language: Tag) -> str:
    """`rtl` or `ltr`: how the language's script runs."""
    return "rtl" if language.locale.text_direction == "rtl" else "ltr"


def in_language(document: str, language: Tag) -> str:
    """A document whose `<html>` says its language and how that runs, whatever its author wrote there."""

    def said(tag: re.Match[str]) -> str:
        others = _LANGUAGE.sub("", tag[1])
        return f'<html lang="{language}" dir="{direction(language)}"{others}>'

    return _HTML.sub(said, document, count=1)


_HTML = re.compile(r"<html\b([^<>]*+)>", re.IGNORECASE)
_LANGUAGE = re.compile(r"""\s(?:xml:)?(?:lang|dir)\s*+=\s*+(?:"[^"]*"|'[^']*'|[^\s"'>]++)""", re.IGNORECASE)


def paragraphs(text: str) -> str:
    """Plain text as HTML: blank lines part paragraphs, line ends stay, addresses are links; slots are left alone."""
    blocks = [block.strip() for block in re.split(r"\n\s*\n", text.strip())]
    return "\n".join(f"<p>{_linked(html.escape(block, quote=False))}</p>".replace("\n", "<br>\n") for block in blocks)


_ADDRESS = re.compile(
    r"""(?<![\w@/.-])(?:(?P<url>(?:https?://|www\.)[^\s<>"'{}|\\^`]{1,500})|(?P<mail>[\w.+-]{1,64}@[\w-]+(?:\.[\w-]+)+))"""
)
_NOT_OF_A_LINK = ".,;:!?"


def _linked(escaped: str) -> str:
    """Escaped text with its web addresses and mailboxes as links; a full stop behind one is the sentence's."""

    def link(match: re.Match[str]) -> str:
        text = match[0].rstrip(_NOT_OF_A_LINK)
        if text.endswith(")") and text.count(")") > text.count("("):
            text = text[:-1]
        text = re.sub(r"&(?:gt|lt|quot);?$", "", text)
        target = f"mailto:{text}" if match["mail"] else text if "://" in text else f"https://{text}"
        return f'<a href="{target}">{text}</a>{match[0][len(text) :]}'

    return _around_slots(escaped, lambda hidden: _ADDRESS.sub(link, hidden))


def _around_slots(document: str, change: Callable[[str], str]) -> str:
    """Apply `change` while slots are hidden from it as words."""
    numbers: dict[str, int] = {}

    def hide(match: re.Match[str]) -> str:
        return f"tocsin-slot-{numbers.setdefault(match[0], len(numbers))}-"

    changed = change(_SLOT.sub(hide, document))
    slots = list(numbers)
    return _HELD.sub(lambda match: slots[int(match[1])], changed)
