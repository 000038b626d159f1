"""Published versions, their activations, and the items they are stored as.

A version is immutable. Which one decides is a list of activations that only grows: active at an instant is the one
with the latest `since` not after it, and of two with the same `since` the one recorded later. So a correction
published today does not cancel the version that is scheduled for January, and what was active at a past instant never
changes, because an activation may not begin in the past.
"""

from __future__ import annotations

import zlib
from base64 import b85decode, b85encode
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from service.core import TocsinError, from_state, to_state
from service.rulesets.family import RULESETS, Family
from service.storage import Item

CHUNK_CHARACTERS = 300_000
"""Compressed content per item: below the store's 400 KB with room for the rest of the item."""


@dataclass(frozen=True, slots=True)
class RulesetHead:
    """What a ruleset counts: its versions and activations are numbered from 1, without gaps."""

    ruleset: str
    versions: int = 0
    activations: int = 0


@dataclass(frozen=True, slots=True)
class Version:
    """One published rule file. `findings` is what the gate said of it (warnings; an error is never published)."""

    ruleset: str
    number: int
    sha256: str
    author: str
    comment: str
    at: datetime
    chunks: int
    description: str = ""
    findings: Sequence[Mapping[str, object]] = field(default=())

    def named(self) -> Mapping[str, object]:
        """How an answer says which version decided."""
        return {"name": self.ruleset, "version": self.number, "sha256": self.sha256}


@dataclass(frozen=True, slots=True)
class Activation:
    """From `since` on, `version` decides; recorded at `at` by `by`."""

    ruleset: str
    number: int
    version: int
    since: datetime
    by: str
    at: datetime


class DamagedVersion(TocsinError):
    """The stored content of a version is not what was published."""


class Timeline:
    """The activations of one ruleset, ready to be asked which version decides at an instant."""

    def __init__(self, activations: Iterable[Activation] = ()) -> None:
        self.activations = tuple(sorted(activations, key=lambda activation: activation.number))
        self._in_force = sorted(self.activations, key=lambda activation: (activation.since, activation.number))
        self._since = [activation.since for activation in self._in_force]

    def active(self, at: datetime) -> int | None:
        """The number of the version that decides at `at`; None before the first activation."""
        activation = self.in_force(at)
        return None if activation is None else activation.version

    def in_force(self, at: datetime) -> Activation | None:
        """The activation by which a version decides at `at`."""
        position = bisect_right(self._since, at)
        return self._in_force[position - 1] if position else None

    def coming(self, after: datetime, until: datetime) -> tuple[int, ...]:
        """The versions that take over after `after` and not after `until`."""
        first, last = bisect_right(self._since, after), bisect_right(self._since, until)
        return tuple(activation.version for activation in self._in_force[first:last])


def all_of(family: Family) -> tuple[str, str]:
    """Index and value under which all of a family are listed."""
    return family.listed, "all"


def head_id(ruleset: str, family: Family = RULESETS) -> str:
    """The id of the item that numbers a ruleset's versions and activations."""
    return f"{family.kind}-{ruleset}"


def version_id(ruleset: str, number: int, family: Family = RULESETS) -> str:
    """The id of a version's item; ids sort by number."""
    return f"{family.kind}version-{ruleset}-{number:06d}"


def activation_id(ruleset: str, number: int, family: Family = RULESETS) -> str:
    """The id of an activation's item; ids sort by number."""
    return f"{family.kind}activation-{ruleset}-{number:06d}"


def chunk_id(sha256: str, number: int) -> str:
    """The id of a part of a file's content, counted from 0; equal contents share their parts."""
    return f"rulefile-{sha256}-{number:03d}"


def head_item(head: RulesetHead, version: int, family: Family = RULESETS) -> Item:
    """A ruleset's head, to be compared with stored `version` (0: the ruleset is new)."""
    index, value = all_of(family)
    return Item(head_id(head.ruleset, family), family.kind, to_state(head), version=version, keys={index: value})


def version_item(version: Version, family: Family = RULESETS) -> Item:
    """A version as it is stored, findable by ruleset and by content."""
    keys = {
        f"{family.kind}_versions": version.ruleset,
        f"{family.kind}_contents": content_key(version.ruleset, version.sha256),
    }
    name = version_id(version.ruleset, version.number, family)
    return Item(name, f"{family.kind}-version", to_state(version), keys=keys)


def activation_item(activation: Activation, family: Family = RULESETS) -> Item:
    """An activation as it is stored."""
    keys = {f"{family.kind}_activations": activation.ruleset}
    name = activation_id(activation.ruleset, activation.number, family)
    return Item(name, f"{family.kind}-activation", to_state(activation), keys=keys)


def content_key(ruleset: str, sha256: str) -> str:
    """Under which a version is found by what it contains."""
    return f"{ruleset}:{sha256}"


def head_of(item: Item) -> RulesetHead:
    """The head that `head_item` stored."""
    return from_state(RulesetHead, item.state)


def version_of(item: Item) -> Version:
    """The version that `version_item` stored."""
    return from_state(Version, item.state)


def activation_of(item: Item) -> Activation:
    """The activation that `activation_item` stored."""
    return from_state(Activation, item.state)


def chunk_items(sha256: str, source: str) -> tuple[Item, ...]:
    """A file's content, compressed, in as many items as it takes; identical content makes identical items."""
    text = b85encode(zlib.compress(source.encode(), level=9)).decode("ascii")
    parts = [text[start : start + CHUNK_CHARACTERS] for start in range(0, len(text), CHUNK_CHARACTERS)]
    return tuple(
        Item(chunk_id(sha256, number), "rule-file", {"part": part, "of": len(parts)})
        for number, part in enumerate(parts)
    )


def content(parts: Sequence[Item]) -> str:
    """The text that `chunk_items` stored; `DamagedVersion` if the parts do not make one."""
    try:
        return zlib.decompress(b85decode("".join(str(part.state["part"]) for part in parts))).decode()
    except (KeyError, ValueError, zlib.error) as error:
        raise DamagedVersion("the stored rule file cannot be unpacked: restore the store from a backup") from error
