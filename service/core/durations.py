"""Durations as people write them: `40s`, `5m`, `2h`, `1d`, or a sum of these such as `1h30m`."""

from __future__ import annotations

import re
from datetime import timedelta

from service.core.errors import TocsinError

LONGEST = timedelta(days=999)
"""Beyond this a duration is a mistake of writing; whoever reads one may allow less."""

EXAMPLES = "40s, 5m, 2h or 1d"

UNITS = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}
"""Seconds of each unit, in the order in which a sum names them."""

_SUM = re.compile("".join(f"(?:(?P<{unit}>[0-9]{{1,9}}+){unit})?+" for unit in UNITS))


class BadDuration(TocsinError):
    """A duration that cannot be read or is not allowed; the message says what to write."""


def parse(text: str, longest: timedelta = LONGEST) -> timedelta:
    """The duration that `text` writes, from a second to `longest`; `BadDuration` otherwise."""
    match = _SUM.fullmatch(text)
    if match is None or not text:
        raise BadDuration(f'"{text}" is not a duration: write a number and s, m, h or d, such as {EXAMPLES}')
    seconds = sum(int(number) * UNITS[unit] for unit, number in match.groupdict().items() if number)
    if not 1 <= seconds <= longest.total_seconds():
        raise BadDuration(f'"{text}" is not between 1s and {longest.days}d')
    return timedelta(seconds=seconds)
