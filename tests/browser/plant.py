"""A plant on an ordinary morning: people, incidents, messages and decisions, so that pages show what they are for."""

from __future__ import annotations

from tests.functional.client import Client

PREMIUM = {"driver": {"age": 18}, "car": {"style": "SPORTS", "color": "RED"}, "policy": {"id": "1", "premium": "300"}}

PEOPLE = {
    "mary": ("Mary", "en", "email", "+447700900301"),
    "ben": ("Ben", "de", "sms", "+447700900302"),
    "chi": ("Chi", "fr", "sms", "+447700900303"),
    "davi": ("Davi", "pt-BR", "email", "+447700900304"),
    "elif": ("Elif", "en", "voice", "+447700900305"),
}

DISCOUNTS = """\
ruleset: discounts
description: What a fleet pays less
facts:
  fleet.cars:    {type: integer, min: 1, max: 5000}
  fleet.years:   {type: integer, min: 0, max: 80}
  fleet.premium: {type: decimal, scale: 2, min: 0}
hit: unique
table: |
  rule,fleet.cars,fleet.years,fleet.premium,why
  ,in,in,out:decrease %,note
  Small fleet,10..49,,5,One garage
  Large fleet,>= 50,< 3,10,"New, and large"
  Faithful fleet,>= 50,>= 3,15,Large for three years or more
"""
"""A ruleset that is a table."""

CLOSED = "The canteen is closed on Friday. It opens again on Monday at eight."
HARSH = "Whoever parks in front of the gate again is an idiot and will be towed."


def fill(client: Client) -> None:
    """Make all of it once, through the API."""
    for user_id, (name, language, preference, phone) in PEOPLE.items():
        profile = {"first_name": name, "language": language, "preference": preference, "audience": "staff"}
        contact = {"phone": phone, "email": f"{user_id}@example.com", "timezone": "Europe/London"}
        assert client.call("PUT", f"/v1/recipients/{user_id}", json={**profile, **contact}).status in (200, 201)
    assert client.call("POST", "/v1/rulesets/discounts/versions", body=DISCOUNTS.encode()).status == 201
    _open(client, "pump-3", "Pump 3 in building North has low pressure", "mary", "ben")
    _open(client, "cold-store", "Cold store 2 is at 9 °C", "chi", "elif")
    _open(client, "gate", "The north gate does not close", "ben")
    assert client.post("/v1/incidents/gate/acknowledge", {"by": "Ben"}).status == 200
    for number, (age, style) in enumerate(((18, "SPORTS"), (34, "SPORTS"), (52, "SEDAN"), (19, "SPORTS"))):
        facts = {**PREMIUM, "driver": {"age": age}, "car": {"style": style, "color": "RED"}}
        body = {"context": {"request_id": f"REQ-{99_990 + number}"}, "request": facts}
        assert client.post("/v1/rulesets/premium/evaluations", body).status == 200
    for text, whom in ((CLOSED, {"audience": "staff"}), (HARSH, {"audience": "staff"})):
        assert client.post("/v1/notifications", {"text": text, "reference": "canteen", **whom}).status == 202
    menu = {"text": "The menu of the week is on the board.", "audience": "staff"}
    weekly = {"cron": "30 9 * * MON", "timezone": "Europe/Berlin", "notification": menu}
    assert client.post("/v1/schedules", weekly).status == 201


def _open(client: Client, incident_id: str, description: str, *names: str) -> None:
    contacts = [{"name": PEOPLE[name][0], "phone": PEOPLE[name][3]} for name in names]
    body = {"incident_id": incident_id, "description": description, "contacts": contacts}
    assert client.post("/v1/incidents", body).status in (200, 201)
