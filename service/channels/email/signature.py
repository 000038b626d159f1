"""The mark that parts what a mail says from what stands below it (RFC 3676, section 4.3)."""

from __future__ import annotations

SIGNATURE_MARK = "-- "


def text_above_signature(text: str) -> str:
    """A plain text without the few lines below its last mark."""
    above, mark, below = text.rpartition(f"\n{SIGNATURE_MARK}\n")
    return above if mark and "\n\n" not in below else text
