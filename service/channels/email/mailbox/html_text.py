"""The words of an HTML mail, without what it quotes: mail programs mark their quotes, each in its own way."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lxml.html import HtmlElement

MAX_HTML = 64 * 1024
"""Characters of HTML that are read."""

_SILENT = "//script | //style | //head | //blockquote"
_QUOTES = "".join(
    f" | //*[contains(concat(' ', normalize-space(@class), ' '), ' {name} ')]"
    for name in ("gmail_quote", "gmail_attr", "moz-cite-prefix", "yahoo_quoted", "protonmail_quote", "gmail_signature")
)
_BEFORE_QUOTES = "//*[@id='divRplyFwdMsg' or @id='appendonsend' or @id='mail-editor-reference-message-container']"
"""Where Outlook begins to quote: everything behind is quoted, too."""

_ROWS = frozenset({"table", "thead", "tbody", "tfoot", "tr"})
_CELLS = frozenset({"td", "th"})
_HIDDEN = re.compile(r"display\s*:\s*none", re.IGNORECASE)


def text_of_html(document: str) -> str:
    """What a person reads who wrote this; empty for what is no HTML."""
    from inscriptis import Inscriptis  # takes a while to import, as lxml does, and few installations read mail
    from inscriptis.css_profiles import STRICT_CSS_PROFILE
    from inscriptis.model.config import ParserConfig
    from lxml import etree, html

    try:
        page = html.document_fromstring(document[:MAX_HTML])
    except (etree.LxmlError, ValueError):
        return ""
    for marked in page.xpath(_BEFORE_QUOTES):
        for quoted in [marked, *marked.itersiblings()]:
            _drop(quoted)
    for quoted in page.xpath(_SILENT + _QUOTES):
        _drop(quoted)
    _flatten(page)
    return str(Inscriptis(page, ParserConfig(css=STRICT_CSS_PROFILE)).get_text())


def _drop(element: HtmlElement) -> None:
    if element.getparent() is not None:
        element.drop_tree()


def _flatten(page: HtmlElement) -> None:
    """Take the layout away: words need none, and a padding of 9,999 em fills gigabytes with the blanks of a short mail.

    So does a wide cell above many rows. What is hidden stays hidden.
    """
    for element in page.iter("*"):
        if _HIDDEN.search(element.attrib.pop("style", "")):
            element.set("style", "display:none")
        if element.tag in _CELLS:
            element.tag, element.tail = "span", f" {element.tail or ''}"
        elif element.tag in _ROWS:
            element.tag = "div"
