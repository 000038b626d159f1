"""Enhanced mail status codes (RFC 3463), as servers answer and delivery reports repeat them."""

from __future__ import annotations

import re

_GONE = re.compile(r"5\.(?:1\.(?:1|2|3|6|10)|2\.1)")


def is_gone(status: str) -> bool:
    """Whether a status says that there is no such mailbox, or that it is closed for good (RFC 3463, RFC 7505).

    A full mailbox, or one whose rules refuse us, is there.
    """
    return _GONE.fullmatch(status) is not None
