"""A roster: who is on call around the night in which the clocks go back, and whom incidents page then and now."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

from service.cli.scenarios.api import Api
from service.cli.scenarios.hand_timed import HandTimed, hand_timed
from service.cli.scenarios.incident import LOOK, PATIENCE, inbox, tell
from service.cli.scenarios.transcript import Transcript

HAND_OVERS = (
    ("2026-10-19T06:59:59Z", "2026-10-19T07:00:00Z", "in summer, nine in Berlin is seven UTC"),
    ("2026-10-26T07:59:59Z", "2026-10-26T08:00:00Z", "a week and a clock change later it is eight"),
)
"""A second before and at the hand-over of the roster `pumps`, two Mondays running."""

HAND_OVER = datetime(2026, 10, 26, 8, 0, tzinfo=UTC)
"""Nine in Berlin, the morning after the clocks went back."""

CLEO, ANN = "+447700900789", "+447700900123"
"""Whose week ends then, and whose begins."""


def play(api: Api, transcript: Transcript) -> None:
    """Ask who is on call before and after two hand-overs, page them then, and page whoever is on call now."""
    transcript.title("Roster: handed over at nine, whatever the clocks do")
    people = [_around(api, transcript, *hand_over) for hand_over in HAND_OVERS]
    transcript.expect("who comes is whose turn follows", people, [("Ben", "Cleo"), ("Cleo", "Ann")])
    play_hand_over(transcript)
    _page(api, transcript)


def play_hand_over(transcript: Transcript) -> None:
    """Page before and after the hand-over, in an instance whose clock is set to it."""
    transcript.say("The hand-over itself, in an instance of its own whose clock stands at 08:59 in Berlin:")
    with hand_timed(HAND_OVER - timedelta(minutes=1)) as night:
        early = _opened(night, transcript, "Pump 2 stands still")
        transcript.expect("before nine Cleo is paged", _pages(night, CLEO), ["Pump 2 stands still"])
        night.until(HAND_OVER)
        _opened(night, transcript, "Pump 3 stands still")
        transcript.expect("from nine on Ann is paged", _pages(night, ANN), ["Pump 3 stands still"])
        night.until(HAND_OVER + timedelta(seconds=30))
        both = ["Pump 3 stands still", "Pump 2 stands still"]
        transcript.expect("Cleo did not answer: the next level pages Ann too", _pages(night, ANN), both)
        _taken(night, transcript, early)


def _opened(night: HandTimed, transcript: Transcript, description: str) -> str:
    contacts = [{"roster": "pumps"}, {"roster": "pumps"}]
    opened = night.api.post("/v1/incidents", {"description": description, "contacts": contacts})
    transcript.expect(f"{description}: answered", opened.status, 201)
    night.work()
    return str(opened.at("incident_id"))


def _pages(night: HandTimed, phone: str) -> list[str]:
    """The first lines of the pages that a phone got."""
    return [text.partition("\n")[0] for text in inbox(night.api, phone) if "\n" in text]


def _taken(night: HandTimed, transcript: Transcript, incident: str) -> None:
    """Let Ann take the incident that Cleo had first, and show what both read."""
    code = inbox(night.api, ANN)[-1].split()[-1]
    transcript.say(f"Ann writes: YES {code}")
    night.api.post("/v1/simulator/sms", {"from": ANN, "body": f"YES {code}"})
    night.work()
    shown = night.api.get(f"/v1/incidents/{incident}").document
    transcript.expect("who has it", shown.get("acknowledged_by"), "Ann")
    tell(transcript, shown)
    for name, phone in (("Cleo", CLEO), ("Ann", ANN)):
        transcript.say(f"What {name} read:")
        for text in inbox(night.api, phone):
            transcript.say("    " + text.replace("\n", "\n      "))


def _around(api: Api, transcript: Transcript, before: str, after: str, why: str) -> tuple[object, object]:
    leaves, comes = (api.get(f"/v1/rosters/pumps?at={at}").at("on_call", "name") for at in (before, after))
    transcript.say(f"  until {before} {leaves}, from {after} {comes}: {why}")
    return leaves, comes


def _page(api: Api, transcript: Transcript) -> None:
    now = api.get("/v1/rosters/pumps")
    transcript.say(f"On call now: {now.at('on_call', 'name')}, until {now.at('until')}. An incident for the roster:")
    opened = api.post("/v1/incidents", {"description": "Pump 1 failed", "contacts": [{"roster": "pumps"}]})
    transcript.expect("answered", opened.status, 201)
    lines = _timeline(api, str(opened.at("incident_id")))
    for line in lines:
        transcript.say(f"    {line}")
    name = now.at("on_call", "name")
    expected = ["Opened", f"{name} is on call for pumps", f"Paged {name} by sms"]
    transcript.expect("who is on call is paged", lines[:3], expected)
    api.post(f"/v1/incidents/{opened.at('incident_id')}/cancel", {})


def _timeline(api: Api, incident: str) -> list[str]:
    deadline = time.monotonic() + PATIENCE
    while True:
        lines = api.get(f"/v1/incidents/{incident}").at("timeline")
        texts = [str(line["text"]) for line in lines] if isinstance(lines, list) else []
        if len(texts) >= 3 or time.monotonic() > deadline:
            return texts
        time.sleep(LOOK)
