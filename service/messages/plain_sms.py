"""An SMS as cheap as it can be without its reader losing anything.

One character outside of GSM-7 makes a whole text UCS-2, of which a message holds 70 characters instead of 160. Word
processors put such characters in unseen: curly quotes, long dashes, an ellipsis, blanks of other widths, marks that
nobody sees. They become plain ones where that makes the text GSM-7; a text that needs UCS-2 anyway keeps its quotes.
"""

from __future__ import annotations

import re
import unicodedata

from service.messages.segments import not_in_gsm_7

_UNSEEN = re.compile("[\u00ad\u200b\u2060\ufeff]")
"""Soft hyphens, blanks without a width, marks of byte order: nothing in any script."""

_MARKS = re.compile("[\u200c-\u200f\u202a-\u202e\u2066-\u2069\ufe00-\ufe0f]")
"""Joiners, marks of direction and variation selectors: what they change shows only beside letters outside of GSM-7."""

_PLAIN = str.maketrans(
    dict.fromkeys("\u2018\u2019\u201a\u201b\u2032\u02bc", "'")
    | dict.fromkeys("\u201c\u201d\u201e\u201f\u2033\u00ab\u00bb", '"')
    | dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212", "-")
    | dict.fromkeys("\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u205f\u3000\t", " ")
    | dict.fromkeys("\u2028\u2029\u0085", "\n")
    | {"\u2026": "..."}
)


def plain(text: str) -> str:
    """The text with what costs and says nothing replaced; letters and signs that readers see stay as they are."""
    if not not_in_gsm_7(text):  # most texts
        return text
    composed = _UNSEEN.sub("", unicodedata.normalize("NFC", with_plain_blanks(text)))
    cheap = _MARKS.sub("", composed).translate(_PLAIN)
    return composed if not_in_gsm_7(cheap) else cheap


def with_plain_blanks(text: str) -> str:
    """No-break spaces, which CLDR puts into numbers, as plain ones: one alone would make the whole text UCS-2."""
    return text.replace("\u00a0", " ").replace("\u202f", " ")
