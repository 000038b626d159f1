"""Incidents by two-way SMS: the ancestor's item answered NO and YES, and one that nobody answers."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

from service.cli.scenarios.api import Api
from service.cli.scenarios.transcript import Transcript
from service.core import SystemClock, ids

ANN, BEN = "+447700900123", "+447700900456"
DESCRIPTION = "Error 111, unit 1 malfunctioned. Urgent assistance is required."

LOOK = 0.1
PATIENCE = 20.0
"""Seconds between looks, and how long something is waited for."""

UNANSWERED = (
    "Opened",
    "Paged Ann by sms",
    "Reminded Ann by sms",
    "Told Ann that it is escalated",
    "Escalated to level 2: nobody answered",
    "Paged Ben by sms",
    "Reminded Ben by sms",
    "Acknowledged by nobody: nobody answered",
    "Told Ann that nobody acknowledged it",
    "Told Ben that nobody acknowledged it",
    "Tried Ann by email as a last resort",
    "Tried Ann by voice as a last resort",
    "Tried Ben by voice as a last resort",
)


def play(api: Api, transcript: Transcript) -> None:
    """Open the ancestor's item and answer it, then one that nobody answers."""
    transcript.title("Incidents: two phones, NO and YES, and nobody at all")
    _answered(api, transcript)
    _unanswered(api, transcript)


def _answered(api: Api, transcript: Transcript) -> None:
    transcript.say("The sample's item, with DynamoDB's types:")
    name = f"demo-{ids.fresh(SystemClock().now())}"
    item = {
        "incident_id": name,
        "incident_stat": "not_acknowledged",
        "double_escalation": "no",
        "description": DESCRIPTION,
        "url": "https://example.com/incident/111/overview",
        "first_contact": ANN,
        "second_contact": BEN,
    }
    opened = api.post("/v1/incidents", {member: {"S": value} for member, value in item.items()})
    transcript.expect("answered", opened.status, 201)
    transcript.expect("the first phone is paged", _is_told(api, ANN, name), True)
    _says(api, transcript, name, ANN, "NO", contact=0)
    transcript.expect("the second phone is paged", _is_told(api, BEN, name), True)
    _says(api, transcript, name, BEN, "YES", contact=1)
    shown = followed(api, name, "acknowledged")
    transcript.expect("state", shown.get("state"), "acknowledged")
    transcript.expect("the sample's field", shown.get("incident_stat"), "acknowledged")
    tell(transcript, shown)


def _unanswered(api: Api, transcript: Transcript) -> None:
    transcript.say("The same under the policy drill, which waits two seconds, and nobody answers:")
    contacts = [{"name": "Ann", "phone": ANN, "email": "ann@example.com"}, {"name": "Ben", "phone": BEN}]
    body = {"description": DESCRIPTION, "policy": "drill", "contacts": contacts}
    opened = api.post("/v1/incidents", body)
    transcript.expect("answered", opened.status, 201)
    shown = followed(api, str(opened.at("incident_id")), "unacknowledged")
    transcript.expect("state", shown.get("state"), "unacknowledged")
    transcript.expect("everybody was tried", tuple(text for _, text in _timeline(shown)) == UNANSWERED, True)
    tell(transcript, shown)


def _says(api: Api, transcript: Transcript, name: str, phone: str, word: str, contact: int) -> None:
    codes = api.get(f"/v1/incidents/{name}").at("contacts", contact, "codes", 0)
    transcript.say(f"{phone} answers {word} {codes}.")
    answer = api.post("/v1/simulator/sms", {"from": phone, "body": f"{word} {codes}"})
    transcript.expect("taken", answer.status, 202)


def _is_told(api: Api, phone: str, name: str) -> bool:
    """Whether a message of this incident reaches the phone."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        items = api.get(f"/v1/outbox?to={phone.replace('+', '%2B')}").at("items")
        if any(name in item["delivery_id"] for item in (items if isinstance(items, list) else [])):
            return True
        time.sleep(LOOK)
    return False


def inbox(api: Api, phone: str, since: str = "") -> list[str]:
    """The last texts that a phone got since a time (RFC 3339), oldest first."""
    items = api.get(f"/v1/outbox?to={phone.replace('+', '%2B')}&limit=20").at("items")
    messages = reversed(items) if isinstance(items, list) else []
    return [str(item["text"]) for item in messages if item["at"] >= since]


def reads(api: Api, phone: str, words: str, since: str = "") -> bool:
    """Whether a phone gets a text with these words."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if any(words in text for text in inbox(api, phone, since)):
            return True
        time.sleep(LOOK)
    return False


def followed(api: Api, name: str, until: str) -> Mapping[str, object]:
    """The incident once it is in a state, or as it is when patience ends."""
    deadline = time.monotonic() + PATIENCE
    while True:
        shown = api.get(f"/v1/incidents/{name}").document
        if shown.get("state") == until or time.monotonic() > deadline:
            return shown
        time.sleep(LOOK)


def _timeline(shown: Mapping[str, object]) -> Sequence[tuple[str, str]]:
    lines = shown.get("timeline")
    return [(line["at"][11:19], line["text"]) for line in lines] if isinstance(lines, list) else []


def tell(transcript: Transcript, shown: Mapping[str, object]) -> None:
    """Say the timeline of an incident."""
    for at, text in _timeline(shown):
        transcript.say(f"    {at}  {text}")
