"""The layout of HTML that is read as text.

Text twins are laid out with blanks: a padding of 9,999 em, or a wide cell above many rows, makes gigabytes of a page of
60 KB. What others write is flattened; what our authors write keeps its columns as long as it stays small.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lxml.html import HtmlElement

MAX_BLANKS = 20_000_000
"""What `_blanks` may say of a page that keeps its layout."""

_ROWS = frozenset({"table", "thead", "tbody", "tfoot", "tr"})
_CELLS = frozenset({"td", "th"})
_HIDDEN = re.compile(r"display\s*+:\s*+none", re.IGNORECASE)
_SPACE = re.compile(r"(?:padding|margin)[a-z-]{0,20}+\s*+:([^;]*+)", re.IGNORECASE)
_NUMBER = re.compile(r"[0-9]++")


def flatten(page: HtmlElement) -> None:
    """Take the layout away: no paddings, no columns; what is hidden stays hidden."""
    for element in page.iter("*"):
        if _HIDDEN.search(element.attrib.pop("style", "")):
            element.set("style", "display:none")
        if element.tag in _CELLS:
            element.tag, element.tail = "span", f" {element.tail or ''}"
        elif element.tag in _ROWS:
            element.tag = "div"


def bounded(document: str) -> str:
    """The document; without its layout where that could become more than `MAX_BLANKS` blanks."""
    from lxml import etree, html  # takes a while to import, and few processes need it

    try:
        page = html.document_fromstring(document.encode("utf-8", "replace"), html.HTMLParser(encoding="utf-8"))
    except etree.LxmlError:
        return document  # nothing that could be laid out
    if _blanks(page) <= MAX_BLANKS:
        return document
    flatten(page)
    return str(html.tostring(page, encoding="unicode"))


def _blanks(page: HtmlElement) -> int:
    """More blanks than the layout of a page can make: each line with all paddings, each row as wide as all cells."""
    elements = list(page.iter("*"))
    spaces = (length for element in elements for length in _SPACE.findall(element.get("style", "")))
    padded = sum(int(number[:9]) for space in spaces for number in _NUMBER.findall(space))
    rows = sum(element.tag == "tr" for element in elements)
    return int(padded * len(elements) + rows * len(page.text_content()))
