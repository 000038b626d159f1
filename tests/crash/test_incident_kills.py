"""kill -9 of API and workers at random instants over live incidents: each ends as its replies and clock imply."""

from __future__ import annotations

import bisect
import random
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.crash.mailbox import MailServer, mail_server
from tests.crash.processes import Installation
from tests.crash.siege import ANSWERS, RENEWED, Outcome, Siege
from tests.functional.client import ROOT

LETTERS = """\
escalation: letters
levels:
  - {contacts: [1], channels: [email], wait: 2s, reminders: 1}
  - {contacts: [2], channels: [email], wait: 2s, reminders: 1}
on_no: escalate
"""
"""The drill by email, which leaves by a server that knows nothing of our commits."""

SOON = 2.0
"""Seconds within which the death must have come that a letter was sent again for."""

Install = Callable[..., Installation]


@pytest.fixture
def install(tmp_path: Path) -> Iterator[Install]:
    """Make an installation with settings of the test's own: `install(smtp_url="smtp://…")`."""
    with ExitStack() as installed:

        def install(**settings: str) -> Installation:
            installation = Installation(tmp_path, settings)
            installed.callback(installation.end)
            installation.start(workers=2)
            return installation

        yield install


def besieged(siege: Siege) -> Outcome:
    """Incidents while processes die, and what is left of them."""
    siege.run()
    outcome = siege.judged()
    siege.service.store.close()
    print(f"pages by {siege.policy}: {outcome}")
    assert outcome.answers.keys() == set(ANSWERS), "some were answered each way"
    return outcome


def besieged_by_sms(install: Install, rules: Path, kills: int, at_once: int, seed: int) -> Outcome:
    """Pages go to the outbox, which keeps a message in the commit that records it as sent."""
    shutil.copytree(ROOT / "rules", rules)
    (rules / "escalation" / "drill-renewed.yaml").write_text(RENEWED.format(name="drill", channel="sms"))
    installation = install(rules_dir=str(rules))
    return besieged(Siege(installation, installation.parts(), random.Random(seed), kills, at_once))


def besieged_by_letter(install: Install, rules: Path, kills: int, at_once: int, seed: int) -> Outcome:
    """Pages go to a mail server: what is sent again was sent by somebody who died before it was recorded."""
    shutil.copytree(ROOT / "rules", rules)
    (rules / "escalation" / "letters.yaml").write_text(LETTERS)
    (rules / "escalation" / "letters-renewed.yaml").write_text(RENEWED.format(name="letters", channel="email"))
    with mail_server() as (server, url):
        installation = install(smtp_url=url, rules_dir=str(rules))
        parts = installation.parts()
        siege = Siege(installation, parts, random.Random(seed), kills, at_once, "letters", server.copies)
        outcome = besieged(siege)
    assert_sent_again_only_after_a_death(server, siege, outcome)
    return outcome


def assert_nothing_lost(outcome: Outcome) -> None:
    assert (outcome.wrong, outcome.lost, outcome.dead) == (frozenset(), frozenset(), 0), str(outcome)


def assert_sent_again_only_after_a_death(server: MailServer, siege: Siege, outcome: Outcome) -> None:
    """Every second copy follows a death right after the first: in the window from send to record."""
    deaths = sorted(siege.deaths)
    survived = [copy.at for copy in server.again()]
    windows = [deaths[n] - at for at in survived if (n := bisect.bisect(deaths, at)) < len(deaths)]
    longest = max(windows, default=0.0)
    print(f"{len(server.letters)} letters, {len(survived)} sent again, their sender dead within {longest:.3f} s")
    assert len(windows) == len(survived), "a letter was sent again that nobody died over"
    assert longest < SOON
    assert server.attempts_twice() == []
    assert outcome.twice == {copy.message for copy in server.again()}, "the outbox has nothing twice"


def test_a_dozen_kills_of_any_process_lose_no_incident_page_or_answer(install: Install, tmp_path: Path) -> None:
    outcome = besieged_by_sms(install, tmp_path / "rules", kills=12, at_once=60, seed=1)
    assert_nothing_lost(outcome)
    assert outcome.twice == frozenset()


def test_a_page_is_sent_again_only_when_its_sender_died_before_recording_it(install: Install, tmp_path: Path) -> None:
    outcome = besieged_by_letter(install, tmp_path / "rules", kills=12, at_once=40, seed=3)
    assert_nothing_lost(outcome)


@pytest.mark.long
def test_two_hundred_kills_over_500_live_incidents_lose_none(install: Install, tmp_path: Path) -> None:
    outcome = besieged_by_sms(install, tmp_path / "rules", kills=200, at_once=500, seed=2)
    assert_nothing_lost(outcome)
    assert outcome.twice == frozenset()
    assert outcome.kills["API"] >= 20


@pytest.mark.long
def test_two_hundred_kills_over_500_incidents_paged_by_letter_lose_none(install: Install, tmp_path: Path) -> None:
    outcome = besieged_by_letter(install, tmp_path / "rules", kills=200, at_once=500, seed=4)
    assert_nothing_lost(outcome)
    assert outcome.twice, "two hundred deaths meet the window now and then"
