"""A roster: who is on call around the night in which the clocks go back, and an incident that pages who is now."""

from __future__ import annotations

import time

from service.cli.scenarios.api import Api
from service.cli.scenarios.incident import LOOK, PATIENCE
from service.cli.scenarios.transcript import Transcript

HAND_OVERS = (
    ("2026-10-19T06:59:59Z", "2026-10-19T07:00:00Z", "in summer, nine in Berlin is seven UTC"),
    ("2026-10-26T07:59:59Z", "2026-10-26T08:00:00Z", "a week and a clock change later it is eight"),
)
"""A second before and at the hand-over of the roster `pumps`, two Mondays running."""


def play(api: Api, transcript: Transcript) -> None:
    """Ask who is on call before and after two hand-overs, then page whoever is on call now."""
    transcript.title("Roster: handed over at nine, whatever the clocks do")
    people = [_around(api, transcript, *hand_over) for hand_over in HAND_OVERS]
    transcript.expect("who comes is whose turn follows", people, [("Ben", "Cleo"), ("Cleo", "Ann")])
    _page(api, transcript)


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
