"""Identifiers that sort by time and may stand in URLs, email tags and queue messages: letters, digits, `-`, `_`."""

from __future__ import annotations

import base64
from datetime import datetime
from functools import lru_cache

from ulid import ULID

_CROCKFORD = bytes.maketrans(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", b"0123456789abcdefghjkmnpqrstvwxyz")
"""From RFC 4648's base 32 to Crockford's in lower case (https://www.crockford.com/base32.html)."""

_TIME_BYTES = 6


def fresh(at: datetime) -> str:
    """A new ULID of the instant `at`, in lower case: 26 letters and digits, in time order as text."""
    ulid = ULID.from_datetime(at).bytes
    # 10 bytes are 16 letters exactly, so that the standard library can write them; the ULID's own way takes ten times.
    return _instant(ulid[:_TIME_BYTES]) + base64.b32encode(ulid[_TIME_BYTES:]).translate(_CROCKFORD).decode()


@lru_cache(maxsize=64)
def _instant(time: bytes) -> str:
    """The first ten letters, which the ids of one millisecond share."""
    return str(ULID(time + bytes(10)))[:10].lower()
