"""The words of an HTML mail, without what it quotes: mail programs mark their quotes, each in its own way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from service.core import html_layout

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
    html_layout.flatten(page)
    return str(Inscriptis(page, ParserConfig(css=STRICT_CSS_PROFILE)).get_text())


def _drop(element: HtmlElement) -> None:
    if element.getparent() is not None:
        element.drop_tree()
