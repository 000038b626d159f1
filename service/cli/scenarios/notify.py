"""A franchise's announcement: one English message, three people, three languages, three channels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from service.cli.scenarios.api import Api
from service.cli.scenarios.transcript import Transcript

AUDIENCE = "demo-franchise"
ANNOUNCEMENT = (
    "The company is adding a new item to the menu, this will go live by May 10th. "
    "Please ensure you are prepared for this change and plan out accordingly."
)
DOUBTFUL = "We are adding a dish; be ready for it"
PEOPLE: Sequence[Mapping[str, object]] = (
    {
        "user_id": "ui101",
        "first_name": "John",
        "language": "en",
        "preference": "email",
        "email": "john@example.com",
        "phone": "+12025550101",
    },
    {
        "user_id": "ui102",
        "first_name": "Mary",
        "language": "de",
        "preference": "sms",
        "email": "mary@example.com",
        "phone": "+491713920012",
    },
    {
        "user_id": "ui103",
        "first_name": "Arnav",
        "language": "fr",
        "preference": "voice",
        "email": "doe@example.com",
        "phone": "+33639980012",
        "voice_locale": "fr-FR",
    },
)
"""The profiles of the multi-language notification sample."""

REACHED: Sequence[tuple[str, str, str]] = (
    ("john@example.com", "email", "en"),
    ("+491713920012", "sms", "de"),
    ("+33639980012", "voice", "fr-FR"),
)


def play(api: Api, transcript: Transcript) -> None:
    """Send the announcement, see what each person got, then a message that a person must look at first."""
    transcript.title("Notify: one message, everybody's own language and channel")
    added = api.post(f"/v1/audiences/{AUDIENCE}/recipients", {"recipients": list(PEOPLE)})
    transcript.expect("people in the audience", added.at("size"), len(PEOPLE))
    _announce(api, transcript)
    _hold(api, transcript)


def _announce(api: Api, transcript: Transcript) -> None:
    transcript.say(f"English, to everybody: {ANNOUNCEMENT}")
    sent = api.post("/v1/notifications", {"englishTxt": ANNOUNCEMENT, "eventId": AUDIENCE})
    followed = api.get(f"/v1/notifications/{sent.at('notification_id')}?wait=30")
    transcript.expect("status", followed.at("status"), "completed")
    for to, channel, language in REACHED:
        entry = api.get(f"/v1/outbox?to={to.replace('+', '%2B')}&limit=1")
        transcript.say(f"  {to} has: {str(entry.at('items', 0, 'text')).strip()}")
        transcript.expect("channel", entry.at("items", 0, "channel"), channel)
        transcript.expect("language", entry.at("items", 0, "language"), language)


def _hold(api: Api, transcript: Transcript) -> None:
    transcript.say(f"English, and not neutral enough to go out unread: {DOUBTFUL}")
    sent = api.post("/v1/notifications", {"text": DOUBTFUL, "recipients": ["ui101"]})
    path = f"/v1/notifications/{sent.at('notification_id')}"
    held = api.get(f"{path}?wait=30")
    transcript.expect("status", held.at("status"), "held_for_review")
    transcript.say(f"  why: {held.at('decision', 'reason')}")
    decided = api.post(f"{path}/review", {"decision": "reject", "reason": "not clear enough"})
    transcript.expect("after the review", decided.at("status"), "rejected")
