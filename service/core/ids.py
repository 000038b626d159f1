"""Identifiers that sort by time and may stand in URLs, email tags and queue messages: letters, digits, `-`, `_`."""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from itertools import product

from ulid import ULID

_CROCKFORD = bytes.maketrans(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", b"0123456789abcdefghjkmnpqrstvwxyz")
"""From RFC 4648's base 32 to Crockford's in lower case (https://www.crockford.com/base32.html)."""

_TIME_BYTES, _RANDOM_BYTES = 6, 10

_LAST_TWO = ["".join(pair) for pair in product("0123456789abcdefghjkmnpqrstvwxyz", repeat=2)]


def fresh(at: datetime) -> str:
    """A new ULID of the instant `at`, in lower case: 26 letters and digits, in time order as text."""
    ulid = ULID.from_datetime(at).bytes
    return _instant(ulid[:_TIME_BYTES]) + _letters(ulid[_TIME_BYTES:])


def place(at: datetime) -> str:
    """Where ids of the instant `at` begin: it sorts before all of them, and after all of earlier milliseconds.

    There are no ids from before 1970.
    """
    return _instant(_milliseconds(at))


def of_occurrence(at: datetime, name: str) -> str:
    """The id of what `name` makes at the instant `at`: in time order like `fresh`, and the same however often."""
    return place(at) + _letters(hashlib.sha256(name.encode()).digest()[:_RANDOM_BYTES])


def several(at: datetime, number: int) -> Sequence[str]:
    """`number` new ULIDs of one instant, in order, of which only the last two letters differ: up to 1,024."""
    if number > len(_LAST_TWO):
        raise ValueError(f"{number} ids at once: at most {len(_LAST_TWO)} can be told apart by two letters")
    if number == 1:
        return [fresh(at)]  # these come in the order in which they are asked for, even within a millisecond
    shared = place(at) + _letters(secrets.token_bytes(_RANDOM_BYTES))[:-2]
    return [shared + last for last in _LAST_TWO[:number]]


def _milliseconds(at: datetime) -> bytes:
    return max(0, int(at.timestamp() * 1_000)).to_bytes(_TIME_BYTES)


def _letters(random: bytes) -> str:
    """10 bytes are 16 letters exactly, so that the standard library can write them: ULID's own way takes ten times."""
    return base64.b32encode(random).translate(_CROCKFORD).decode()


@lru_cache(maxsize=64)
def _instant(time: bytes) -> str:
    """The first ten letters, which the ids of one millisecond share."""
    return str(ULID(time + bytes(10)))[:10].lower()
