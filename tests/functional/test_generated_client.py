"""A client that a generator makes of the API's description makes the calls of the README, in this process."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
from openapi_python_client import generate
from openapi_python_client.config import Config, ConfigFile, MetaType

from service.core.clock import HandClock
from service.core.enums import Scope
from tests.functional.backends import embedded
from tests.functional.conftest import NOON

PACKAGE = "tocsin_client"
RULE_FILE = Path(__file__).parents[2] / "rules" / "premium.yaml"


class Generated:
    """The generated package, and a client of it that calls the app in this process."""

    def __init__(self, client: Any) -> None:
        self.client = client

    def call(self, tag: str, name: str, *places: object, **given: object) -> Any:
        """What a call answers, in the types of the package."""
        module = importlib.import_module(f"{PACKAGE}.api.{tag}.{name}")
        answer = module.sync_detailed(*places, client=self.client, **given)
        assert answer.status_code < 300, answer.content
        return answer.parsed

    def model(self, name: str, document: Mapping[str, object]) -> Any:
        """A body in its type."""
        return getattr(importlib.import_module(f"{PACKAGE}.models"), name).from_dict(document)


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Generated]:
    home = tmp_path_factory.mktemp("client")
    service = embedded(home)(HandClock(NOON))
    service.working_copies.sweep()
    app = service.flask()
    description = home / "openapi.json"
    description.write_text(app.test_client().get("/openapi.json").text, "utf-8")
    config = Config.from_sources(
        ConfigFile(post_hooks=[]), MetaType.NONE, description, "utf-8", overwrite=False, output_path=home / PACKAGE
    )
    faults = [each.detail or "" for each in generate(config=config)]
    known = ("Unsupported content type", "Unsupported content_type")  # XML, CSV, MP3: by hand, or by the JSON beside it
    assert [each for each in faults if not any(word in each for word in known)] == []
    sys.path.insert(0, str(home))
    _, key = service.keys.create("generated", list(Scope))
    transport = httpx.WSGITransport(app=app)
    package = importlib.import_module(PACKAGE)
    yield Generated(package.AuthenticatedClient("http://tocsin", key, httpx_args={"transport": transport}))
    sys.path.remove(str(home))
    service.store.close()


def test_a_request_is_decided_and_found_in_the_audit(api: Generated) -> None:
    asked = {
        "context": {"request_id": "REQ-99999"},
        "request": {
            "driver": {"age": "18", "name": "Brian"},
            "car": {"make": "honda", "style": "SPORTS", "color": "RED"},
            "policy": {"id": "1231231", "premium": "300"},
        },
    }
    decided = api.call("evaluations", "evaluate", "premium", body=api.model("EvaluationRequest", asked), explain=True)
    assert decided.ruleset.name == "premium"
    assert decided.result["policy"]["premium"] == "360.00"
    assert [rule.fired for rule in decided.explanation.rules].count(True) == len(decided.fired)
    entries = api.call("audit", "search_audit", request_id="REQ-99999").items
    assert [entry.entry_type for entry in entries] == ["request", "response"]
    assert entries[0].data["request"]["driver"]["name"] == "Brian"


def test_a_rule_file_is_checked_and_published(api: Generated) -> None:
    types = importlib.import_module(f"{PACKAGE}.types")
    with RULE_FILE.open("rb") as opened:
        report = api.call("rulesets", "check_ruleset", "premium", body=types.File(payload=opened))
    assert report.ok
    assert {finding.severity for finding in report.findings} <= {"warning"}


def test_the_samples_message_goes_to_its_audience(api: Generated) -> None:
    people = [
        {"user_id": "ui101", "first_name": "John", "language": "en", "preference": "email", "email": "j@example.com"},
        {"user_id": "ui102", "first_name": "Mary", "language": "de", "preference": "sms", "phone": "+491713920012"},
    ]
    api.call("recipients", "add_recipients", "Apr142022", body=api.model("Profiles", {"recipients": people}))
    sample = {"eventId": "Apr142022", "englishTxt": "The canteen opens at noon tomorrow."}
    accepted = api.call("notifications", "send_notification", body=api.model("NotificationSample", sample))
    shown = api.call("notifications", "show_notification", accepted.notification_id)
    assert (shown.status, shown.audience) == ("accepted", "Apr142022")
    assert api.call("outbox", "list_outbox").items == []


def test_an_incident_is_opened_answered_and_followed(api: Generated) -> None:
    item = {
        "incident_id": "123",
        "description": "Error 111, unit 1 malfunctioned.",
        "first_contact": "+447700900123",
        "second_contact": "+447700900456",
    }
    opened = api.call("incidents", "open_incident", body=api.model("IncidentItem", item))
    assert opened.state == "open"
    sms = {"from": "+447700900123", "body": "No"}
    assert api.call("simulator", "simulate_sms", body=api.model("SimulatedSms", sms)).id
    followed = api.call("incidents", "show_incident", "123")
    assert [contact.number for contact in followed.contacts] == [1, 2]
