"""`rules/events.yaml`: what a mapping makes of an event, and what an administrator is told about a slip."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.decide import language, report
from service.decide.findings import Severity
from service.intake.commands import EvaluationCommand, IncidentCommand, NotificationCommand
from service.intake.events import file
from service.intake.events.bodies import KnownNames
from service.intake.events.file import KnownTargets
from service.intake.events.live import LiveMappings, MappingsRefused
from service.intake.events.mappings import Mappings, Unmapped
from service.intake.events.references import known_beside
from tests.functional.client import ROOT

SHIPPED = ROOT / "rules" / "events.yaml"
PREMIUM = language.parse((ROOT / "rules" / "premium.yaml").read_bytes()).ruleset
KNOWN = KnownTargets({"premium": PREMIUM, "faulty": None}, KnownNames(("default", "approval"), ("follow-up",)))
EVENT: Mapping[str, object] = {
    "version": "0",
    "id": "e-1",
    "source": "a",
    "detail-type": "B",
    "account": "111122223333",
    "time": "2026-05-10T12:00:00Z",
    "region": "eu-central-1",
    "resources": ["arn:one", "arn:two"],
    "detail": {"name": "Pump 1", "count": 3, "on": True, "nothing": None, "people": [{"phone": "+447700900123"}]},
}


def mapped(body: str) -> str:
    return f"events:\n  - source: a\n    detail-type: B\n    {body}\n"


def read(text: str) -> Mappings:
    parsed = file.parse(text, KNOWN)
    assert parsed.findings == ()
    assert parsed.mappings is not None
    return parsed.mappings


def complaints(text: str) -> str:
    """What an administrator sees for a refused file."""
    parsed = file.parse(text, KNOWN)
    assert parsed.mappings is None
    return report.render(parsed.findings, text, "events.yaml")


# What a mapping makes of an event.


def test_the_shipped_file_is_without_a_finding_beside_the_shipped_rules() -> None:
    known = known_beside(SHIPPED, ())
    assert set(known.rulesets or ()) == {"premium", "purchase", "lead", "gas-leak", "sentiment"}
    assert "default" in (known.names.policies or ())
    assert file.parse(SHIPPED.read_bytes(), known).findings == ()


def test_facts_are_found_where_the_event_holds_them_and_absent_ones_are_left_out() -> None:
    source = mapped(
        "ruleset: faulty\n    facts: {pump.name: detail.name, n: detail.count, x.y: detail.nothing, z: detail.a.b}"
    )
    assert read(source).command(EVENT) == EvaluationCommand("faulty", {"request": {"pump": {"name": "Pump 1"}, "n": 3}})


def test_without_facts_the_detail_holds_them() -> None:
    assert read(mapped("ruleset: premium")).command(EVENT) == EvaluationCommand("premium", {"request": EVENT["detail"]})


def test_texts_are_filled_and_a_member_alone_keeps_its_type() -> None:
    body = "{description: 'In {{ region }}: {{detail.name}} x {{ detail.count }} {{ detail.on }} {{ resources.1 }}', "
    body += "url: '{{ detail.url }}', contacts: '{{ detail.people }}'}"
    assert read(mapped(f"incident: {body}")).command(EVENT) == IncidentCommand(
        {"description": "In eu-central-1: Pump 1 x 3 true arn:two", "contacts": [{"phone": "+447700900123"}]}
    )


def test_a_constant_is_what_it_is() -> None:
    command = read(mapped("notification: {text: Hello, audience: staff, lane: bulk}")).command(EVENT)
    assert command == NotificationCommand({"text": "Hello", "audience": "staff", "lane": "bulk"})


@pytest.mark.parametrize("path", ["detail.nothing", "detail.people", "detail.name.first", "resources.7"])
def test_a_text_that_lacks_a_member_is_no_text(path: str) -> None:
    mappings = read(mapped(f"notification: {{text: 'It is {{{{ {path} }}}}', audience: staff}}"))
    with pytest.raises(Unmapped, match=path.replace(".", r"\.")):
        mappings.command(EVENT)


def test_an_event_is_told_apart_by_source_and_detail_type() -> None:
    for other in ({"source": "A"}, {"detail-type": "b"}):
        with pytest.raises(Unmapped, match="maps no event"):
            read(mapped("ruleset: premium")).command({**EVENT, **other})


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda of: st.dictionaries(st.text(), of)))
def test_no_event_meets_anything_but_a_reason(detail: object) -> None:
    mappings = read(mapped("notification: {text: '{{ detail.a.b }}!', audience: '{{ detail.a }}'}"))
    with suppress(Unmapped):
        assert isinstance(mappings.command({**EVENT, "detail": detail}), NotificationCommand)


# What an administrator is told.


@pytest.mark.parametrize(
    ("body", "place", "said"),
    [
        ("ruleset: premum", "4:14", 'did you mean "premium"?'),
        ("ruleset: premium\n    facts: {driver.ag: detail.age}", "5:13", 'did you mean "driver.age"?'),
        ("ruleset: premium\n    facts: {driver.age: detail.age}", "4:14", "car.color is not given"),
        ("ruleset: faulty\n    facts: {a: detial.age}", "5:16", 'did you mean "detail"?'),
        ("ruleset: faulty\n    facts: {a: age}", "5:16", "detail.age"),
        ("ruleset: faulty\n    facts: {a: detail..age}", "5:16", "not a path"),
        ("ruleset: faulty\n    facts: {a: detail.x, a: detail.y}", "5:26", "second time"),
        ("ruleset: faulty\n    facts: [a]", "5:12", "map facts to paths"),
        ("facts: {a: detail.x}", "2:5", "facts without a ruleset"),
        ("rulset: premium", "4:5", 'did you mean "ruleset"?'),
        ("ruleset: premium\n    incident: {description: x, contacts: []}", "2:5", "both ruleset and incident"),
        ("description: x", "2:5", "says not what the event asks for"),
        ("incident: {description: x, contact: 1, contacts: [{recipient: a}]}", "4:32", 'did you mean "contacts"?'),
        ("incident: {contacts: [{recipient: a}]}", "4:15", "description is missing"),
        ("incident: {description: x, contacts: [{recipent: a}]}", "4:44", 'did you mean "recipient"?'),
        ("incident: {description: x, contacts: [{recipient: a b}]}", "4:55", "contacts.0.recipient"),
        ("incident: {description: x, policy: aproval, contacts: [{recipient: a}]}", "4:40", 'did you mean "approval"?'),
        ("incident: x", "4:15", "must be a mapping"),
        ("notification: {text: 'a {{ detial.x }}', audience: b}", "4:32", 'did you mean "detail"?'),
        ("notification: {text: 'a {{ detail.x', audience: b}", "4:29", "without its other half"),
        ("notification: {text: a, audience: b, lane: slow}", "4:48", "lane"),
        ("notification: {template: folow-up, audience: b}", "4:30", 'did you mean "follow-up"?'),
        ("notification: {text: 7, audience: b}", "4:26", "text"),
    ],
)
def test_a_slip_is_shown_with_its_place_a_caret_and_a_hint(body: str, place: str, said: str) -> None:
    shown = complaints(mapped(body))
    assert f"events.yaml:{place}: error" in shown
    assert said in shown
    assert "^" in shown


def test_an_event_that_is_mapped_twice_is_shown_at_the_second_place() -> None:
    text = mapped("ruleset: premium") + "  - {source: a, detail-type: B, ruleset: premium}\n"
    assert "events.yaml:5:5: error: events of source" in complaints(text)


def test_all_slips_are_shown_at_once() -> None:
    text = "events:\n  - {source: '', ruleset: premum}\n  - {detail-type: B, incident: {}}\n  - 7\n"
    assert complaints(text).count(": error: ") >= 6


@given(st.binary(max_size=200) | st.text(max_size=200) | st.text("events:-{}[]sourcedtaily \n", max_size=300))
def test_no_file_breaks_the_reader(source: bytes | str) -> None:
    parsed = file.parse(source, KNOWN)
    assert (parsed.mappings is None) == any(one.severity is Severity.ERROR for one in parsed.findings)


# The file while the worker runs.


def test_a_file_is_read_again_when_it_changes_and_a_slip_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "events.yaml"
    live = LiveMappings(path)
    assert live.current().targets == {}
    path.write_text(mapped("ruleset: premium"))
    assert isinstance(live.current().command(EVENT), EvaluationCommand)
    path.write_text(mapped("rulset: premium"))
    assert isinstance(live.current().command(EVENT), EvaluationCommand)
    path.write_text(mapped("notification: {text: Hi, audience: staff}"))
    assert isinstance(live.current().command(EVENT), NotificationCommand)
    path.unlink()
    assert live.current().targets == {}


def test_a_file_that_never_could_be_used_makes_events_wait(tmp_path: Path) -> None:
    path = tmp_path / "events.yaml"
    path.write_text("events: 7\n")
    live = LiveMappings(path)
    for _ in range(2):
        with pytest.raises(MappingsRefused, match="tocsin rules check"):
            live.current()
    path.write_text(mapped("ruleset: premium"))
    assert isinstance(live.current().command(EVENT), EvaluationCommand)


@pytest.mark.parametrize("kind", ["pipe", "device", "huge", "directory"])
def test_mappings_that_are_no_ordinary_file_leave_what_was_there_and_are_said_once(
    kind: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "events.yaml"
    path.write_text(mapped("ruleset: premium"))
    live = LiveMappings(path)
    assert isinstance(live.current().command(EVENT), EvaluationCommand)
    path.unlink()
    put_no_ordinary_file(kind, path)
    for _ in range(3):
        assert isinstance(live.current().command(EVENT), EvaluationCommand)
    assert [record.getMessage().count("cannot be read") for record in caplog.records] == [1]
    with pytest.raises(MappingsRefused):
        LiveMappings(path).current()


def test_a_file_beside_the_mappings_that_cannot_be_read_has_its_name_and_hinders_no_other(tmp_path: Path) -> None:
    (tmp_path / "escalation").mkdir()
    (tmp_path / "premium.yaml").write_bytes((ROOT / "rules" / "premium.yaml").read_bytes())
    (tmp_path / "escalation" / "default.yaml").write_bytes((ROOT / "rules/escalation/default.yaml").read_bytes())
    for kind in ("pipe", "device", "huge", "directory"):
        put_no_ordinary_file(kind, tmp_path / f"{kind}.yaml")
        put_no_ordinary_file(kind, tmp_path / "escalation" / f"{kind}.yaml")
    (tmp_path / "escalation" / ".#default.yaml").symlink_to("grace@host.4711:1780000000")
    known = known_beside(tmp_path / "events.yaml", ())
    assert known.rulesets is not None
    assert known.names.policies is not None
    assert {name for name, ruleset in known.rulesets.items() if ruleset is not None} == {"premium"}
    assert sorted(known.names.policies) == ["default", "device", "directory", "huge", "pipe"]


def put_no_ordinary_file(kind: str, path: Path) -> None:
    match kind:
        case "pipe":
            os.mkfifo(path)
        case "device":
            path.symlink_to("/dev/zero")
        case "directory":
            path.mkdir()
        case _:
            with path.open("wb") as huge:
                huge.truncate(1 << 40)


def test_every_payload_of_an_event_has_a_shipped_mapping() -> None:
    mappings = file.parse(SHIPPED.read_bytes()).mappings
    assert mappings is not None
    events = [json.loads(path.read_text()) for path in sorted((ROOT / "tests" / "events").glob("*.json"))]
    ours = [event for event in events if "detail-type" in event and event["source"] != "aws.sms-voice"]
    assert len([mappings.command(event) for event in ours]) >= 2


@pytest.mark.parametrize(
    ("expected", "finding"),
    [
        ("{notification: {text: hi}}", None),
        ("{unmapped: true}", "the event is mapped"),
        ("{notification: hi}", "must map names to values"),
        ("{notification: {text: hi}, ruleset: premium}", "ruleset is expected of it in vain"),
    ],
)
def test_a_test_of_the_file_fails_unless_all_that_it_expects_is_so(expected: str, finding: str | None) -> None:
    text = f"""\
events:
  - {{source: a, detail-type: B, notification: {{text: "{{{{ detail.msg }}}}", audience: staff}}}}
tests:
  - {{event: {{source: a, detail-type: B, detail: {{msg: hi}}}}, expect: {expected}}}
"""
    messages = [each.message for each in file.parse(text).findings]
    assert messages == [] if finding is None else any(finding in each for each in messages), messages
