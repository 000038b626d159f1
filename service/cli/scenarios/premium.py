"""A car insurance premium by driver risk: the ancestor's request, and what the audit knows of it afterwards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import quote

from service.cli.scenarios.api import Api
from service.cli.scenarios.transcript import Transcript

CASES: Sequence[tuple[str, str, list[str]]] = (
    ("18", "360.00", ["High Risk"]),
    ("22", "330.00", ["Med Risk"]),
    ("21", "300.00", []),
)
"""Age, the premium it makes of 300, the rules that fire."""


def play(api: Api, transcript: Transcript) -> None:
    """Ask for the premium of three drivers, then read one request back from the audit."""
    transcript.title("Premium: rules decide, and the audit remembers")
    evaluation_ids = [_ask(api, transcript, *case) for case in CASES]
    _read_back(api, transcript, evaluation_ids[0])


def _ask(api: Api, transcript: Transcript, age: str, premium: str, fired: list[str]) -> str:
    transcript.say(f"A red sports car at 300, driver aged {age}:")
    answer = api.post("/v1/rulesets/premium/evaluations", _request(age))
    transcript.expect("answered", answer.status, 200)
    transcript.expect("premium", answer.at("result", "policy", "premium"), premium)
    transcript.expect("fired", answer.at("fired"), fired)
    return str(answer.at("request_id"))


def _read_back(api: Api, transcript: Transcript, request_id: str) -> None:
    transcript.say(f"The audit of request {request_id}:")
    entries = api.get(f"/v1/audit?request_id={quote(request_id)}").at("items")
    types = [entry["entry_type"] for entry in entries] if isinstance(entries, list) else entries
    transcript.expect("entries", types, ["request", "response"])


def _request(age: str) -> Mapping[str, object]:
    return {
        "request": {
            "driver": {"age": age, "name": "Brian"},
            "car": {"make": "honda", "model": "civic", "year": "2015", "style": "SPORTS", "color": "RED"},
            "policy": {"id": "1231231", "premium": "300"},
        }
    }
