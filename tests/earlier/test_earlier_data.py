"""What an earlier release left behind goes on with today's code: nobody loses a page, a code, a link or a decision.

The tests say what people and apps see, so that what is stored may change.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from service.core.enums import Lane
from service.notify.model import DeliveryStatus
from service.notify.receipts import NotificationReceipt
from service.work import all_dead_items, redrive
from tests.earlier.installation import FOLDER, Installation, opened
from tests.functional.backends import Backend

MADE = {"home.tar.gz": "f8a6acb8ecdb", "known.json": "3572e8e2fadf", "tables.json.gz": "3e1eec45b277"}
"""The first digits of each file's hash: nobody changes one by accident."""

ANN, BEN, CLEO, DORA, EVE = (f"+4477009001{number:02d}" for number in range(1, 6))
STAN = "+447700900170"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
TEXT = "The canteen in Leeds is closed on Tuesday for the yearly stock count."


@pytest.fixture(params=list(Backend))
def left(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Installation]:
    """The installation, a moment after the earlier release was stopped; no worker has run yet."""
    if request.param is Backend.AWS:
        request.getfixturevalue("aws")
    with opened(request.param, tmp_path) as installation:
        yield installation


def test_what_was_left_behind_is_never_made_anew() -> None:
    assert {path.name: hashlib.sha256(path.read_bytes()).hexdigest()[:12] for path in FOLDER.iterdir()} == MADE


# --- incidents -----------------------------------------------------------------------------------------------------


def test_every_incident_reads_as_it_did(left: Installation) -> None:
    states = left.named("states")
    assert {name: left.room.state(name) for name in states} == states
    assert {name: left.room.timeline(name) for name in states} == left.known["timelines"]
    shown = left.named("codes")
    assert {name: left.room.read(name)["contacts"] for name in shown} == shown
    assert len(left.listed("/v1/incidents")) == len(states) + 1  # and the one that is over and told its app


def test_codes_that_were_sent_answer_their_own_incident(left: Installation) -> None:
    left.room.says(EVE, "yes")
    assert "Reply YES or NO with a code" in left.room.inbox(EVE)[-1], "two are open, so a bare yes asks back"
    left.room.says(EVE, "yes 10")
    assert (left.room.state("paged"), left.room.state("paged-too")) == ("acknowledged", "open")
    left.room.says(EVE, "no 11")
    assert left.room.read("paged-too")["level"] == 2
    left.room.says(CLEO, "YES 11")
    assert left.room.state("reminded") == "acknowledged"
    left.room.says(DORA, "yes")
    assert left.room.state("over") == "acknowledged", "what nobody took can be taken late"


def test_a_link_that_was_sent_asks_and_then_acknowledges(left: Installation) -> None:
    browser, path = left.api.client.with_key(None), str(left.known["acknowledge_link"])
    assert "Purchase 4711" in browser.get(path).text
    assert left.room.state("approval") == "open"
    assert browser.call("POST", path, body="answer=yes", headers=FORM).status == 200
    assert left.room.read("approval")["acknowledged_by"] == "Ann"
    left.api.clock.advance(timedelta(days=7))
    assert browser.get(path).status == 403, "a link is valid for seven days from when it was sent"


def test_silence_goes_on_from_where_it_was(left: Installation) -> None:
    before = {phone: len(left.room.inbox(phone)) for phone in (ANN, BEN, CLEO, EVE)}
    left.passes(timedelta(minutes=8), timedelta(seconds=10))
    names = ("paged", "paged-too", "reminded", "escalated")
    assert {left.room.state(name) for name in names} == {"unacknowledged"}
    reminded = [text for text in left.room.inbox(EVE)[before[EVE] :] if text.startswith("REMINDER")]
    assert len(reminded) == 2, "each of the two that waited for Eve reminds her once"
    again = [text for text in left.room.inbox(CLEO)[before[CLEO] :] if text.startswith(("REMINDER", "Incident 11: "))]
    assert again == [], "who was reminded before is not reminded anew"
    pages = " ".join(text for text in left.room.inbox(ANN)[before[ANN] :] if "Nobody" not in text)
    missing = [pump for pump in ("Pump 6", "Pump 7", "Pump 8") if pump not in pages]
    assert not missing, "Ann is next for three of them, and is asked singly or for several at once"
    assert left.room.state("approval") == "open", "a purchase waits for two hours"


def test_an_incident_for_later_opens_at_its_time(left: Installation) -> None:
    left.passes(timedelta(minutes=1))
    assert left.room.read("later")["level"] == 0
    left.jumps(datetime(2026, 5, 11, 21, 5, tzinfo=UTC))
    assert left.room.read("later")["level"] == 1
    assert "Pump 4 is due" in " ".join(left.room.inbox(EVE))


def test_an_incident_that_a_rule_asked_for_is_opened(left: Installation) -> None:
    left.room.works()
    assert "GAS LEAK at Boiler room" in left.room.inbox("+447700900150")[-1]


def test_callbacks_that_were_owed_arrive(left: Installation) -> None:
    left.passes(timedelta(minutes=15), timedelta(seconds=30))
    bodies = dict(left.hooks)
    assert set(bodies) == {"/tried", "/untouched"}
    assert (bodies["/tried"]["incident_id"], bodies["/tried"]["state"]) == ("ended", "acknowledged")
    assert bodies["/untouched"]["notification_id"] == left.known["untouched"]


# --- people --------------------------------------------------------------------------------------------------------


def test_who_opted_out_gets_no_news(left: Installation) -> None:
    sent = left.desk.sends(text=TEXT, audience="left", lane="bulk")
    left.passes(timedelta(seconds=30))
    assert left.desk.counts(sent) == {"suppressed": 4}
    assert left.room.inbox(STAN)[-1].startswith("You will receive no more messages")
    register = left.api.service.messaging.opt_outs
    people = ("uma", "cora", "bob")
    ended = {name: register.ending_email(f"{name}@example.com", Lane.TRANSACTIONAL) for name in people}
    assert {name: opt_out and opt_out.why.value for name, opt_out in ended.items()} == {
        "uma": None,
        "cora": "complaint",
        "bob": "bounce",
    }
    for phone, why in (("+447700900171", "provider"), ("+447700900172", "administrator")):
        assert [(one.why, one.topic) for one in register.of_phone(phone)] == [(why, "everything")]


def test_a_phone_that_said_stop_is_not_paged_until_it_says_start(left: Installation) -> None:
    contacts = [{"name": "Stan", "phone": STAN}, {"name": "Ivy", "phone": "+447700900180"}]
    before = len(left.room.inbox(STAN))
    left.room.opens(description="Pump 9 failed", contacts=contacts)
    left.passes(timedelta(seconds=5), timedelta(seconds=1))
    assert len(left.room.inbox(STAN)) == before
    assert "Pump 9 failed" in left.room.inbox("+447700900180")[-1]
    left.room.says(STAN, "START")
    left.room.opens(description="Pump 10 failed", contacts=contacts)
    assert "Pump 10 failed" in left.room.inbox(STAN)[-1]


def test_a_link_to_leave_that_was_mailed_works(left: Installation) -> None:
    browser, path = left.api.client.with_key(None), left.named("unsubscribe")["john"]
    assert browser.get(path).status == 200
    sent = left.desk.sends(text=TEXT, recipients=["john"], lane="bulk")
    left.passes(timedelta(seconds=10))
    assert left.desk.counts(sent) == {"accepted": 1}
    assert browser.call("POST", path, body="List-Unsubscribe=One-Click", headers=FORM).status == 200
    sent = left.desk.sends(text=TEXT + " Again.", recipients=["john"], lane="bulk")
    left.passes(timedelta(seconds=10))
    assert left.desk.counts(sent) == {"suppressed": 1}


def test_profiles_and_audiences_are_there(left: Installation) -> None:
    people = left.known["people"]
    assert isinstance(people, list)
    assert {left.api.client.get(f"/v1/recipients/{name}").status for name in people} == {200}
    members = left.listed("/v1/audiences/everybody/recipients")
    assert len(members) == len(people)


# --- notifications -------------------------------------------------------------------------------------------------


def texts(left: Installation, to: str) -> list[str]:
    return [text.strip() for text in left.room.inbox(to)]


def test_what_waited_for_a_person_waits_and_can_be_approved(left: Installation) -> None:
    sent = left.named("sent")["held"]
    left.passes(timedelta(seconds=10))
    waiting = {str(one["id"]): str(one["kind"]) for one in left.listed("/v1/reviews")}
    assert waiting[sent] == "notification"
    assert sorted(waiting.values()) == ["evaluation", "notification"]
    assert left.desk.review(sent, "approve").status == 200
    left.passes(timedelta(seconds=10))
    assert left.desk.status(sent) == "completed"
    assert any("We are adding a dish; be ready for it" in text for text in texts(left, "john@example.com"))
    (other,) = left.listed("/v1/reviews")
    decided = left.api.client.post(f"/v1/reviews/{other['id']}", {"decision": "approve", "reason": "called"})
    assert decided.status == 200


def test_an_open_window_closes_with_one_message(left: Installation) -> None:
    left.passes(timedelta(minutes=20), timedelta(minutes=2))
    assert not [text for text in texts(left, "john@example.com") if "Build" in text]
    left.passes(timedelta(minutes=15), timedelta(minutes=1))
    (digest,) = [text for text in texts(left, "john@example.com") if "Build" in text]
    assert "Build 1 failed." in digest
    assert "Build 2 failed." in digest
    assert {left.desk.status(left.named("sent")[name]) for name in ("digest", "digest-too")} == {"completed"}


def test_what_was_scheduled_leaves_at_its_time(left: Installation) -> None:
    sent = left.named("sent")["scheduled"]
    left.passes(timedelta(minutes=1))
    assert left.desk.status(sent) == "approved"
    left.jumps(datetime(2026, 5, 10, 17, 4, tzinfo=UTC))
    assert left.desk.status(sent) == "completed"


def test_what_waited_for_the_morning_leaves_in_the_morning(left: Installation) -> None:
    sent = left.named("sent")["quiet"]
    left.jumps(datetime(2026, 5, 10, 18, 58, tzinfo=UTC))  # 6:58 in Auckland
    assert left.room.inbox("aya@example.com") == []
    left.jumps(datetime(2026, 5, 10, 19, 2, tzinfo=UTC))
    left.passes(timedelta(minutes=2))
    assert left.desk.status(sent) == "completed"
    assert len(left.room.inbox("aya@example.com")) == 1


def test_what_no_server_took_is_tried_again_and_what_nobody_touched_is_sent(left: Installation) -> None:
    left.passes(timedelta(minutes=5), timedelta(seconds=15))
    assert {left.desk.status(str(left.known[name])) for name in ("retrying", "untouched")} == {"completed"}
    assert len(left.room.inbox("rita@example.com")) == 1
    assert len(left.room.inbox("sam@example.com")) == 1


def test_what_waited_for_a_translation_is_released_by_it(left: Installation) -> None:
    sent = left.named("sent")["untranslated"]
    missing = {str(one["target"]): str(one["id"]) for one in left.listed("/v1/translations")}
    assert set(missing) == {"de", "fr"}
    words = "Der Aufzug in Haus C steht am Donnerstag still, siehe https://example.com/lift."
    supplied = left.api.client.call("PUT", f"/v1/translations/{missing['de']}", json={"text": words})
    assert supplied.status == 200
    left.passes(timedelta(seconds=30))
    assert left.desk.counts(sent) == {"accepted": 2, "needs_translation": 1}
    assert texts(left, "+491713920012")[-1] == words


def test_a_receipt_for_what_was_sent_before_arrives(left: Installation) -> None:
    mailed = str(left.known["mailed"])
    assert left.desk.counts(mailed) == {"accepted": 2}
    receipt = NotificationReceipt(
        "mail-1", DeliveryStatus.DELIVERED, "delivered", left.api.clock.now(), f"{mailed}-000001"
    )
    left.api.service.messaging.receipts.receive(receipt)
    left.passes(timedelta(seconds=5))
    assert left.desk.counts(mailed) == {"accepted": 1, "delivered": 1}
    assert left.desk.status(str(left.known["completed"])) == "completed"


def test_the_same_request_again_is_answered_as_it_was(left: Installation) -> None:
    asked = left.known["idempotent"]
    assert isinstance(asked, dict)
    headers = {"Idempotency-Key": asked["key"]}
    again = left.api.client.post("/v1/notifications", asked["body"], headers)
    assert (again.status, again.json()) == (202, asked["answer"])
    other = {**asked["body"], "englishTxt": TEXT}
    assert left.api.client.post("/v1/notifications", other, headers).status == 422


def test_schedules_run_at_their_next_time(left: Installation) -> None:
    names = left.named("schedules")
    assert {one["schedule_id"] for one in left.listed("/v1/schedules")} == set(names.values())
    left.jumps(datetime(2026, 5, 11, 6, 0, tzinfo=UTC))
    assert "Take the blue pill" in left.room.inbox(DORA)[-1]
    assert left.room.state(f"{names['daily']}-20260511T060000Z") == "open"
    left.jumps(datetime(2026, 5, 11, 9, 0, tzinfo=UTC))
    left.passes(timedelta(minutes=1))
    assert left.desk.status(f"{names['weekly']}-20260511T090000Z") == "completed"


# --- rules ---------------------------------------------------------------------------------------------------------


def decided(left: Installation, as_of: object = None) -> list[object]:
    """What `premium` decides about drivers of several ages."""
    answers: list[object] = []
    for age in (18, 21, 22, 30):
        facts = {
            "driver": {"age": age},
            "car": {"style": "SPORTS", "color": "RED"},
            "policy": {"id": "7", "premium": 300},
        }
        context: Mapping[str, object] = {} if as_of is None else {"context": {"as_of": as_of}}
        answer = left.api.client.post("/v1/rulesets/premium/evaluations", {"request": facts, **context}).json()
        answers.append({name: answer[name] for name in ("ruleset", "fired", "result")})
    return answers


def test_versions_decide_as_they_did(left: Installation) -> None:
    assert decided(left) == left.known["decisions"]
    before = left.known["decisions_as_of"]
    assert isinstance(before, dict)
    assert decided(left, before["as_of"]) == before["answers"]
    assert before["answers"] != left.known["decisions"], "another version was active then"
    left.api.service.working_copies.sweep()
    left.api.clock.advance(timedelta(seconds=1))
    assert decided(left) == left.known["decisions"], "the files in the folder replace nothing by themselves"
    shown = left.api.client.get("/v1/rulesets/premium").json()
    assert (shown["versions"], len(shown["activations"])) == (3, 4)  # type: ignore[arg-type]
    left.api.client.post("/v1/rulesets/premium/activate", {"version": 3})
    left.api.clock.advance(timedelta(seconds=1))
    assert decided(left) == left.known["decided_by_3"]


def test_what_was_measured_is_there_and_a_back_test_that_waited_ends(left: Installation) -> None:
    premium = "/v1/rulesets/premium"
    assert len(left.listed(f"{premium}/test-events")) == left.known["test_events"]
    report = left.api.client.get(f"{premium}/shadow").json()["report"]
    assert isinstance(report, dict)
    assert report["requests"] == left.known["shadow_requests"]
    left.passes(timedelta(seconds=30))
    backtest = left.api.client.get(f"{premium}/backtests/{left.known['backtest']}").json()
    assert backtest["status"] == "completed"
    assert backtest["report"]["requests"] >= 12  # type: ignore[index]


def test_the_audit_lists_what_it_held(left: Installation) -> None:
    assert len(left.listed("/v1/audit")) == left.known["audit_entries"]
    entries = left.listed("/v1/audit?request_id=gas-1")
    assert [one["entry_type"] for one in entries] == ["request", "response"]
    assert left.api.client.get(f"/v1/audit/{entries[0]['audit_id']}").json() == entries[0]


def test_keys_open_what_they_opened(left: Installation) -> None:
    limited = left.api.client.with_key(str(left.known["limited_key"]))
    assert (limited.get("/v1/audit").status, limited.get("/v1/incidents").status) == (200, 403)
    assert left.api.client.with_key(str(left.known["revoked_key"])).get("/v1/audit").status == 401


def test_dead_work_is_listed_and_done_when_it_is_redriven(left: Installation) -> None:
    left.api.clock.advance(timedelta(hours=5))
    dead = [item for item in all_dead_items(left.api.service.store) if "has no recipients" in item.why]
    assert len(dead) == 1
    john = {"user_id": "jo", "first_name": "Jo", "language": "en", "preference": "email", "email": "jo@example.com"}
    left.desk.recipients("marketing", john)
    redrive(left.api.service.store, dead[0].id, left.api.clock.now())
    left.passes(timedelta(minutes=30), timedelta(minutes=2))
    assert "Ada" in left.room.inbox("jo@example.com")[-1]


def test_what_was_sent_and_to_whom_is_listed_once_a_worker_has_looked_through_the_store(left: Installation) -> None:
    for each in left.api.service.messaging.relistings():
        while not each.go_on():
            continue
    listed = {one["notification_id"] for one in left.listed("/v1/notifications")}
    assert set(left.named("sent").values()) <= listed
    assert "everybody" in {one["audience"] for one in left.listed("/v1/audiences")}
    assert "john" in {one["user_id"] for one in left.listed("/v1/recipients")}
    assert left.listed("/v1/recipients/john/deliveries")
