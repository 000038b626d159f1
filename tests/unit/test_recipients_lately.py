"""Profiles that were just read: gone by for two seconds, unless this process wrote them itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from service.channels.contact_keys import ContactKeys
from service.core.clock import HandClock
from service.core.enums import Channel
from service.core.records import to_state
from service.recipients import Directory, Recipient
from service.recipients.profile_cache import FRESH, MOST
from service.storage import Item
from service.storage.sqlite import SqliteStore

KEYS = ContactKeys(b"secret")


@pytest.fixture
def ours(store: SqliteStore, clock: HandClock) -> Directory:
    """Of the process that sends."""
    directory = Directory(store, KEYS, clock)
    directory.add("customers", [mary("en")])
    return directory


@pytest.fixture
def theirs(store: SqliteStore, clock: HandClock) -> Directory:
    """Of another process."""
    return Directory(store, KEYS, clock)


def mary(language: str) -> Recipient:
    return Recipient("mary", "Mary", language, Channel.EMAIL, email="mary@example.com")


def language(directory: Directory) -> str | None:
    found = directory.get_lately(["mary", "nobody"])
    return found["mary"].language if found else None


def test_a_profile_that_was_just_read_is_gone_by_for_two_seconds(
    ours: Directory, theirs: Directory, clock: HandClock
) -> None:
    assert ours.members("customers").items == [mary("en")]
    theirs.put(mary("de"))
    clock.advance(FRESH - timedelta(microseconds=1))
    assert language(ours) == "en"
    clock.advance(timedelta(microseconds=1))
    assert language(ours) == "de"


def test_an_erased_profile_is_gone_after_two_seconds(ours: Directory, theirs: Directory, clock: HandClock) -> None:
    ours.get_many(["mary"])
    assert theirs.remove("mary")
    clock.advance(FRESH)
    assert language(ours) is None


def test_what_this_process_writes_counts_at_once(ours: Directory) -> None:
    ours.members("customers")
    ours.put(mary("de"))
    assert language(ours) == "de"
    ours.remove("mary")
    assert language(ours) is None


def test_what_is_read_while_this_process_writes_is_not_gone_by(tmp_path: Path, clock: HandClock) -> None:
    class Overtaken(SqliteStore):
        """A store in which a profile is removed by another thread while it is being read."""

        def get_many(self, item_ids: Sequence[str]) -> Mapping[str, Item]:
            found = super().get_many(item_ids)
            directory.remove("mary")
            return found

    store = Overtaken(tmp_path / "items.db", clock)
    directory = Directory(store, KEYS, clock)
    store.add(Item("recipient-mary", "recipient", to_state(mary("en"))))
    assert list(directory.get_many(["mary"])) == ["mary"]
    assert language(directory) is None
    store.close()


def test_a_clock_that_is_set_back_keeps_no_profile_alive(ours: Directory, theirs: Directory, clock: HandClock) -> None:
    ours.get_many(["mary"])
    theirs.put(mary("de"))
    clock.advance(timedelta(hours=-1))
    assert language(ours) == "de"


def test_only_the_last_of_very_many_are_remembered(ours: Directory, theirs: Directory) -> None:
    crowd = [Recipient(f"user-{n}", "Ann", "en", Channel.EMAIL, email=f"u{n}@example.com") for n in range(MOST)]
    ours.put_all(crowd)
    ours.get_many(["mary"])
    ours.get_many([person.user_id for person in crowd])
    theirs.put_all([mary("de"), Recipient("user-1", "Ann", "de", Channel.EMAIL, email="u1@example.com")])
    assert language(ours) == "de", "forgotten, and so read anew"
    assert ours.get_lately(["user-1"])["user-1"].language == "en"


def test_who_is_asked_for_comes_in_that_order(ours: Directory) -> None:
    ours.put_all([Recipient(name, "Ann", "en", Channel.EMAIL, email="a@example.com") for name in ("anna", "zoe")])
    ours.get_many(["mary", "zoe"])
    assert list(ours.get_lately(["zoe", "anna", "mary"])) == ["zoe", "anna", "mary"]
