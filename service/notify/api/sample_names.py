"""The multi-language notification sample's names for members of a notification: `englishTxt` and `eventId`."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic_core import PydanticCustomError

_NAMES = {"englishTxt": "text", "eventId": "audience"}


def in_our_names(raw: object) -> object:
    """A request with our names: an English text for the audience `eventId`. What is said twice is refused."""
    if not isinstance(raw, Mapping) or _NAMES.keys().isdisjoint(raw):
        return raw
    for theirs, ours in _NAMES.items():
        if theirs in raw and ours in raw:
            _refuse(f"{theirs} and {ours} say the same: leave one of them out")
    if "englishTxt" in raw and raw.get("language", "en") != "en":
        _refuse("englishTxt is English: leave the language out, or say it in text")
    english = {"language": "en"} if "englishTxt" in raw else {}
    return {_NAMES.get(name, name): value for name, value in raw.items()} | english


def _refuse(why: str) -> None:
    raise PydanticCustomError("said_twice", "{fault}", {"fault": why})
