"""A storm: sixty incidents to one phone, which gets a handful of texts, and one answer that takes them all."""

from __future__ import annotations

import time
from collections.abc import Callable

from service.cli.scenarios.api import Api
from service.cli.scenarios.incident import LOOK
from service.cli.scenarios.transcript import Transcript

PHONE = "+447700900369"
INCIDENTS = 60
PATIENCE = 60.0
"""Seconds: a summary gathers for ten."""


def play(api: Api, transcript: Transcript) -> None:
    """Open sixty incidents, read what the phone got, answer YES ALL."""
    transcript.title("Storm: sixty incidents, one phone")
    transcript.say(f"{INCIDENTS} incidents page {PHONE}:")
    contacts = [{"name": "Zoe", "phone": PHONE, "language": "en"}]
    bodies = ({"description": f"Disk {n} full", "contacts": contacts} for n in range(1, INCIDENTS + 1))
    opened = [str(api.post("/v1/incidents", body).at("incident_id")) for body in bodies]
    _wait(lambda: any("wait for you" in text for text in _texts(api)))
    paged = _texts(api)
    for text in paged:
        transcript.say(f"    {text.splitlines()[0]}")
    transcript.expect("texts, one for all from the sixth on", len(paged) <= 8, True)
    transcript.say(f"{PHONE} answers YES ALL.")
    api.post("/v1/simulator/sms", {"from": PHONE, "body": "YES ALL"})
    _wait(lambda: len(_texts(api)) > len(paged) and _states(api, opened) == {"acknowledged"})
    transcript.say(f"    {_texts(api)[-1]}")
    transcript.expect("state of all of them", _states(api, opened), {"acknowledged"})
    transcript.expect("texts after the answer, two at most", len(_texts(api)) - len(paged) <= 2, True)


def _states(api: Api, incidents: list[str]) -> set[str]:
    return {str(api.get(f"/v1/incidents/{name}").at("state")) for name in incidents}


def _texts(api: Api) -> list[str]:
    """What the phone got, oldest first."""
    items = api.get(f"/v1/outbox?to={PHONE.replace('+', '%2B')}&limit=100").at("items")
    return [str(item["text"]) for item in reversed(items)] if isinstance(items, list) else []


def _wait(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not happened() and time.monotonic() < deadline:
        time.sleep(LOOK)
