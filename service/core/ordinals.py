"""Days as some languages write them in a sentence, where CLDR's patterns do not."""

from __future__ import annotations

import re
from datetime import date

_FIRST_OF_MONTH = {"fr": "1er", "it": "1º", "pt": "1º"}
"""Languages that write the first day of a month as an ordinal."""

_ONE = re.compile(r"(?<![\d.])1(?![\d.:/])")


def with_first_of_month(text: str, day: date, language: str) -> str:
    """A date in words with its day as the language writes it: `1er mai`, `1º maggio`, `1º de maio`."""
    first = _FIRST_OF_MONTH.get(language)
    return _ONE.sub(first, text, count=1) if first and day.day == 1 else text
