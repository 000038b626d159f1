"""Which version decides in a process, and how it follows the store."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from service.core.clock import HandClock
from service.decide import facts
from service.decide.decision import Compiled
from service.decide.ruleset import Ruleset
from service.rulesets.active_versions import AHEAD, ActiveVersions, VersionDoesNotCompile
from service.rulesets.errors import NotYetActive, UnknownRuleset, UnknownVersion
from service.rulesets.library import Library, RulesetDraft
from service.storage.sqlite import SqliteStore

START = datetime(2026, 5, 10, 9, tzinfo=UTC)

FILE = """
ruleset: {name}
facts: {{fee: {{type: decimal, scale: 2}}}}
rules: [{{name: Raise, when: fee > 0, then: [{{set: fee, to: {fee}}}]}}]
"""


class Compilations:
    """Compiles for real and counts how often."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, ruleset: Ruleset) -> Compiled:
        self.count += 1
        return Compiled(ruleset)


@pytest.fixture
def clock() -> HandClock:
    return HandClock(START)


@pytest.fixture
def library(tmp_path: Path, clock: HandClock) -> Library:
    return Library(SqliteStore(tmp_path / "tocsin.db", clock), clock)


@pytest.fixture
def compilations() -> Compilations:
    return Compilations()


@pytest.fixture
def live(library: Library, clock: HandClock, compilations: Compilations) -> ActiveVersions:
    return ActiveVersions(library, clock, compiled=compilations)


Publish = Callable[..., int]


@pytest.fixture
def publish(library: Library) -> Publish:
    def publish(fee: str, name: str = "fees", since: datetime | None = None) -> int:
        return library.publish(RulesetDraft(name, FILE.format(name=name, fee=fee), "ada"), since).number

    return publish


def fee(live: ActiveVersions, at: datetime, name: str = "fees") -> Decimal:
    serving = live.at(name, at)
    given = facts.read(serving.ruleset, {"fee": "1"}, date(2026, 5, 10))
    decided = serving.compiled.decide(given).facts["fee"]
    assert isinstance(decided, Decimal)
    return decided


def test_a_published_version_decides_after_the_next_look_at_the_store(live: ActiveVersions, publish: Publish) -> None:
    publish("1.00")
    assert fee(live, START) == 1
    publish("2.00")
    assert fee(live, START) == 1
    live.refresh()
    assert fee(live, START) == 2


def test_a_scheduled_version_takes_over_at_its_instant_without_another_look(
    live: ActiveVersions, publish: Publish
) -> None:
    publish("1.00")
    publish("2.00", since=START + timedelta(hours=1))
    assert fee(live, START + timedelta(minutes=59)) == 1
    assert fee(live, START + timedelta(minutes=60)) == 2


def test_what_takes_over_soon_is_compiled_ahead(
    live: ActiveVersions, publish: Publish, compilations: Compilations, clock: HandClock
) -> None:
    publish("1.00")
    publish("2.00", since=START + timedelta(hours=1))
    live.refresh()
    assert compilations.count == 1
    clock.advance(timedelta(hours=1) - AHEAD)
    live.refresh()
    assert compilations.count == 2
    assert fee(live, START + timedelta(hours=1)) == 2
    assert compilations.count == 2


def test_a_past_decision_can_be_made_again_with_the_version_of_that_time(
    live: ActiveVersions, publish: Publish, clock: HandClock
) -> None:
    for year in range(5):
        publish(f"{year}.00")
        clock.advance(timedelta(days=365))
    assert [fee(live, START + timedelta(days=365 * year)) for year in range(5)] == [0, 1, 2, 3, 4]
    with pytest.raises(NotYetActive):
        live.at("fees", START - timedelta(seconds=1))


def test_a_version_is_compiled_once_however_many_ask_for_it_at_the_same_moment(
    live: ActiveVersions, publish: Publish, compilations: Compilations
) -> None:
    publish("1.00")
    together = threading.Barrier(8)

    def ask(_: int) -> Decimal:
        together.wait()
        return fee(live, START)

    with ThreadPoolExecutor(8) as threads:
        assert set(threads.map(ask, range(8))) == {Decimal(1)}
    assert compilations.count == 1


def test_old_versions_make_room_and_what_is_active_stays(
    library: Library, clock: HandClock, publish: Publish, compilations: Compilations
) -> None:
    live = ActiveVersions(library, clock, kept=2, compiled=compilations)
    for number in range(1, 6):
        publish(f"{number}.00")
    live.refresh()
    for number in range(1, 6):
        live.version("fees", number)
        live.refresh()  # looks at the active version, as every second
    assert compilations.count == 5
    live.version("fees", 1)
    assert compilations.count == 6


def test_unknown_names_and_numbers_are_told_apart(live: ActiveVersions, publish: Publish) -> None:
    with pytest.raises(UnknownRuleset):
        live.at("fees", START)
    publish("1.00")
    with pytest.raises(UnknownRuleset, match="fees"):
        live.at("fee", START)
    with pytest.raises(UnknownVersion):
        live.version("fees", 2)


def test_a_version_that_this_release_cannot_read_harms_no_other_ruleset(
    library: Library, live: ActiveVersions, publish: Publish
) -> None:
    publish("1.00")
    library.publish(RulesetDraft("newer", "ruleset: newer\nlambda: 1", "ada"))
    live.refresh()
    assert fee(live, START) == 1
    with pytest.raises(VersionDoesNotCompile):
        live.at("newer", START)


def test_whoever_holds_a_version_keeps_it_through_a_swap(live: ActiveVersions, publish: Publish) -> None:
    publish("1.00")
    held = live.at("fees", START)
    publish("2.00")
    live.refresh()
    assert held.version.number == 1
    assert live.at("fees", START).version.number == 2
