"""The names of a family, in one item, which a process reads every second to follow them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from service.core import from_state, to_state
from service.rulesets.errors import RulesetError
from service.rulesets.family import Family
from service.storage import Item

MAX_NAMES = 2_000
"""Names of one family: they must fit an item."""


class TooManyNames(RulesetError):
    """A family has as many names as fit."""


@dataclass(frozen=True, slots=True)
class ListedName:
    """How many activations a name has, and the content that the last one activated."""

    activations: int
    sha256: str


@dataclass(frozen=True, slots=True)
class FamilyListing:
    """The names of a family."""

    names: Mapping[str, ListedName] = field(default_factory=dict)

    def with_entry(self, name: str, entry: ListedName) -> FamilyListing:
        """With another activation of a name; `TooManyNames`."""
        names = {**self.names, name: entry}
        if len(names) > MAX_NAMES:
            raise TooManyNames(f"there are {MAX_NAMES:,} names already")
        return FamilyListing(names)


def listing_id(family: Family) -> str:
    """The id of the item."""
    return f"{family.kind}listing"


def listing_in(item: Item | None) -> FamilyListing:
    """What the item says."""
    return FamilyListing() if item is None else from_state(FamilyListing, item.state)


def listing_item(family: Family, listing: FamilyListing, before: Item | None) -> Item:
    """The item as it is to be saved."""
    version = 0 if before is None else before.version
    return Item(listing_id(family), f"{family.kind}-listing", to_state(listing), version=version)
