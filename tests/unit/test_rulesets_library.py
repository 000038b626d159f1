"""Publishing, activating and reading back, on a real store."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from service.core.clock import HandClock
from service.rulesets.errors import BeginsInThePast, NotYetActive, StaleEdit, UnknownRuleset, UnknownVersion
from service.rulesets.library import Library, RulesetDraft, fingerprint
from service.rulesets.versions import DamagedVersion, chunk_id
from service.storage import Item, Store
from service.storage.sqlite import SqliteStore

START = datetime(2026, 5, 10, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def clock() -> HandClock:
    return HandClock(START)


@pytest.fixture
def store(tmp_path: Path, clock: HandClock) -> Store:
    return SqliteStore(tmp_path / "tocsin.db", clock)


@pytest.fixture
def library(store: Store, clock: HandClock) -> Library:
    return Library(store, clock)


Publish = Callable[..., int]


@pytest.fixture
def publish(library: Library) -> Publish:
    def publish(source: str, since: datetime | None = None, expected: str | None = None) -> int:
        return library.publish(RulesetDraft("premium", source, "ada", f"wrote {source}"), since, expected).number

    return publish


def test_each_publication_is_a_numbered_version_with_its_author_comment_and_content(
    library: Library, publish: Publish
) -> None:
    assert [publish("one"), publish("two")] == [1, 2]
    version = library.version("premium", 2)
    assert (version.author, version.comment, version.at) == ("ada", "wrote two", START)
    assert version.sha256 == fingerprint("two")
    assert library.source(version) == "two"
    assert library.active("premium", START).number == 2


def test_publishing_what_is_active_already_changes_nothing(library: Library, publish: Publish) -> None:
    assert [publish("one"), publish("one")] == [1, 1]
    assert library.head("premium").versions == 1


def test_rolling_back_appends_and_the_past_stays_as_it_was(
    library: Library, publish: Publish, clock: HandClock
) -> None:
    publish("one")
    clock.advance(HOUR)
    publish("two")
    clock.advance(HOUR)
    library.activate("premium", 1, "grace")
    active = [library.active("premium", START + hours * HOUR).number for hours in (0, 1, 2, 99)]
    assert active == [1, 2, 1, 1]
    assert [one.by for one in library.timeline("premium").activations] == ["ada", "ada", "grace"]
    assert library.head("premium").versions == 2


def test_a_scheduled_version_takes_over_at_its_hour(library: Library, publish: Publish) -> None:
    publish("one")
    publish("two", since=START + HOUR)
    assert library.active("premium", START + HOUR - timedelta(microseconds=1)).number == 1
    assert library.active("premium", START + HOUR).number == 2


def test_the_past_cannot_be_changed(library: Library, publish: Publish) -> None:
    publish("one")
    with pytest.raises(BeginsInThePast):
        publish("two", since=START - HOUR)
    with pytest.raises(BeginsInThePast):
        library.activate("premium", 1, "grace", START - HOUR)
    assert library.head("premium").activations == 1


def test_an_editor_who_read_an_older_version_is_refused_and_told_what_is_active(publish: Publish) -> None:
    publish("one")
    publish("two", expected=fingerprint("one"))
    with pytest.raises(StaleEdit) as refused:
        publish("three", expected=fingerprint("one"))
    assert refused.value.active_sha256 == fingerprint("two")


def test_nobody_can_expect_anything_of_a_ruleset_that_does_not_exist(publish: Publish) -> None:
    with pytest.raises(StaleEdit):
        publish("one", expected=fingerprint("zero"))


def test_what_was_never_published_is_not_found(library: Library, publish: Publish) -> None:
    with pytest.raises(UnknownRuleset):
        library.version("premium", 1)
    publish("one", since=START + HOUR)
    with pytest.raises(UnknownVersion, match="1 to 1"):
        library.version("premium", 2)
    with pytest.raises(UnknownVersion):
        library.activate("premium", 2, "grace")
    with pytest.raises(UnknownRuleset, match="premium"):
        library.history("premum")
    with pytest.raises(NotYetActive):
        library.active("premium", START)


def test_publishing_from_eight_places_at_once_numbers_all_without_gaps(library: Library, publish: Publish) -> None:
    with ThreadPoolExecutor(8) as threads:
        numbers = list(threads.map(publish, [f"file {number}" for number in range(24)]))
    assert sorted(numbers) == list(range(1, 25))
    assert [one.number for one in library.timeline("premium").activations] == list(range(1, 25))
    assert library.head("premium").versions == 24


def test_of_two_editors_at_once_only_one_wins(library: Library, publish: Publish) -> None:
    publish("zero")

    def edit(text: str) -> bool:
        try:
            publish(text, expected=fingerprint("zero"))
        except StaleEdit:
            return False
        return True

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(edit, [f"edit {number}" for number in range(8)])) == 1
    assert library.head("premium").versions == 2


def test_history_is_listed_newest_first_in_pages(library: Library, publish: Publish) -> None:
    for number in range(5):
        publish(f"file {number}")
    first = library.history("premium", limit=3)
    rest = library.history("premium", cursor=first.cursor, limit=3)
    assert [one.number for one in (*first.items, *rest.items)] == [5, 4, 3, 2, 1]
    assert rest.cursor is None


def test_content_is_found_again_and_shared_between_versions(library: Library, publish: Publish) -> None:
    publish("one")
    publish("two")
    assert publish("one") == 3
    again = library.with_content("premium", fingerprint("one"))
    assert again is not None
    assert library.source(again) == library.source(library.version("premium", 3)) == "one"
    assert library.with_content("premium", fingerprint("nine")) is None
    assert library.with_content("other", fingerprint("one")) is None


def test_a_version_whose_stored_content_was_changed_is_never_served(
    library: Library, publish: Publish, store: Store
) -> None:
    publish("one")
    other = library.publish(RulesetDraft("other", "two", "ada"))
    sha256 = library.version("premium", 1).sha256
    part = store.get(chunk_id(sha256, 0))
    swapped = store.get(chunk_id(other.sha256, 0))
    assert part is not None
    assert swapped is not None
    store.save(Item(part.id, part.kind, swapped.state, version=part.version))
    with pytest.raises(DamagedVersion):
        library.source(library.version("premium", 1))


def test_a_reader_that_knows_a_timeline_reads_only_what_is_new(library: Library, publish: Publish) -> None:
    publish("one")
    known = library.timeline("premium")
    publish("two")
    assert [one.version for one in library.timeline("premium", known).activations] == [1, 2]
