"""An SMS as cheap as it can be without its reader losing anything.

One character outside of GSM-7 makes a whole text UCS-2, of which a message holds 70 characters instead of 160. Word
processors put such characters in unseen: curly quotes, long dashes, an ellipsis, blanks of other widths, marks that
nobody sees. They become plain ones where that makes the text GSM-7; a text that needs UCS-2 anyway keeps its quotes.
"""

from __future__ import annotations

from functools import lru_cache

from service.core import composed, with_plain_blanks, without_joiners, without_zero_width
from service.messages.segments import is_gsm_7

_PLAIN = str.maketrans(
    dict.fromkeys("\u2018\u2019\u201a\u201b\u2032\u02bc", "'")
    | dict.fromkeys("\u201c\u201d\u201e\u201f\u2033\u00ab\u00bb", '"')
    | dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212", "-")
    | dict.fromkeys("\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u205f\u3000\t", " ")
    | dict.fromkeys("\u2028\u2029\u0085", "\n")
    | {"\u2026": "..."}
)


@lru_cache(maxsize=64)  # an announcement without a slot is the same for each of its readers
def plain(text: str) -> str:
    """The text with invisible and typographic characters replaced where that saves money; readers see the same."""
    if is_gsm_7(text):
        return text
    visible = without_zero_width(composed(with_plain_blanks(text)))
    cheap = without_joiners(visible).translate(_PLAIN)
    return cheap if is_gsm_7(cheap) else visible
