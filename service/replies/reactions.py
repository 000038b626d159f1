"""Reactions as phones send them by SMS: `Liked “Incident 41: …”`, `👍 to “…”`.

Only a reaction that quotes its message says which message it is about.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from service.core import fold
from service.replies.atoms import AtomType, atoms_of

_QUOTED = re.compile(r"(?P<frame>[^“”„\"«»「『]{1,80})[“„\"«「『](?P<quote>[^\0]{1,1500})")
_CLOSING = '”“"»」』 \n'
EMOJI_PLACE = "{e}"


@dataclass(frozen=True, slots=True)
class Reaction:
    """`answer` is what is read in the place of the reaction: an emoji, or "yes", "no" or "ask"."""

    answer: str
    quote: str


def reaction_of(text: str, frames: Callable[[], Mapping[str, str]]) -> Reaction | None:
    """The reaction that a text is by its frame ("Liked"), None for any other text."""
    match = _QUOTED.fullmatch(text.strip())
    if match is None:
        return None
    frame, emoji = _without_emoji(match["frame"])
    answer = frames().get(frame)
    if answer is None:
        return None
    return Reaction(emoji if answer == "emoji" else answer, match["quote"].rstrip(_CLOSING))


def _without_emoji(frame: str) -> tuple[str, str]:
    """The folded frame with its emoji replaced, and that emoji."""
    emoji = next((atom.text for atom in atoms_of(frame) if atom.sort is AtomType.EMOJI), "")
    folded = " ".join(fold(frame).split())
    return (folded.replace(emoji, EMOJI_PLACE) if emoji else folded), emoji
