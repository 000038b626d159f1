"""Incidents as an app opens them and people answer them: the API, the phones, the worker."""

import json

import pytest

from service.core.enums import Scope
from service.core.logs import Formatter
from tests.functional.conftest import Api
from tests.functional.incident_room import ANN, BEN, NAMED, SAMPLE, Room


@pytest.fixture
def room(api: Api) -> Room:
    return Room(api)


PAGE = """\
Error 111, unit 1 malfunctioned. Urgent assistance is required.
Can you take it? Reply YES 11 or NO 11
https://example.com/incident/111/overview"""


def test_the_samples_item_pages_the_first_contact(room: Room) -> None:
    incident = room.opens(SAMPLE)
    assert room.inbox(ANN) == [PAGE]
    assert room.inbox(BEN) == []
    shown = room.read(incident)
    assert (shown["state"], shown["level"], shown["incident_stat"]) == ("open", 1, "not_acknowledged")


def test_no_then_yes_ends_acknowledged_with_the_whole_timeline(room: Room) -> None:
    incident = room.opens(SAMPLE)
    room.says(ANN, "No")
    assert room.inbox(ANN)[-1] == "Thank you. the second contact is asked now: Error 111, unit 1 malfunctioned... (11)."
    assert room.inbox(BEN)[-1].startswith("Error 111")
    room.says(BEN, "Yes.")
    shown = room.read(incident)
    assert (shown["state"], shown["acknowledged_by"], shown["double_escalation"]) == (
        "acknowledged",
        "the second contact",
        "yes",
    )
    assert room.inbox(BEN)[-1] == "Thank you. You have taken 11 (Error 111, unit 1 malfunctioned...)."
    assert room.inbox(ANN)[-1] == (
        "the second contact has 11 (Error 111, unit 1 malfunctioned...). You need not do anything."
    )
    assert room.timeline(incident) == [
        "Opened",
        "Paged the first contact by sms",
        "The first contact said no",
        "Told the first contact that it will be escalated",
        "Escalated to level 2: everybody asked has declined",
        "Paged the second contact by sms",
        "The second contact said yes",
        "Thanked the second contact",
        "Acknowledged by the second contact",
        "Told the first contact who has it",
    ]


def test_silence_reminds_the_same_contact_then_escalates_then_ends(room: Room) -> None:
    incident = room.opens(SAMPLE)
    room.waits(40)
    assert room.inbox(ANN)[-1].startswith("Still open: Error 111")
    assert room.inbox(BEN) == []
    room.waits(40)
    assert room.inbox(ANN)[-1] == (
        "Error 111, unit 1 malfunctioned...: no answer yet, so the second contact is asked now. "
        "You can still take it: reply YES 11."
    )
    assert len(room.inbox(BEN)) == 1
    room.waits(80)
    assert room.state(incident) == "unacknowledged"
    last = {entry.channel.value: entry.text for entry in room.entries(BEN)[-2:]}  # both leave at one instant
    assert last["sms"] == (
        "Nobody has taken 11 (Error 111, unit 1 malfunctioned...) yet. You can still take it: reply YES 11."
    )
    assert "voice" in last
    room.says(BEN, "yes")
    assert room.state(incident) == "acknowledged"


def test_incidents_that_are_over_are_not_called_open_when_their_codes_are_listed(room: Room) -> None:
    first, second = room.opens(incident_id="1"), room.opens(incident_id="2", description="Pump 2 failed")
    room.waits(165)  # pages of one phone leave a second apart
    assert {room.state(first), room.state(second)} == {"unacknowledged"}
    room.says(ANN, "yes")
    assert room.inbox(ANN)[-1].startswith("Which one do you mean: 12 Pump 2 failed, 11 Pump 1 failed? ")
    room.says(BEN, "ja")
    assert room.inbox(BEN)[-1].startswith("Was meinen Sie: 12 Pump 2 failed, 11 Pump 1 failed? ")
    assert {room.state(first), room.state(second)} == {"unacknowledged"}


def test_each_contact_reads_their_own_language(room: Room) -> None:
    room.opens(incident_id="7")
    room.says(ANN, "no")
    assert room.inbox(BEN)[-1].startswith("Pump 1 failed\nKönnen Sie übernehmen? Antwort: JA 11 ")
    room.says(BEN, "Ja, bin unterwegs!")
    assert room.state("7") == "acknowledged"
    assert room.inbox(BEN)[-1] == "Vielen Dank. Sie haben 11 übernommen (Pump 1 failed)."


def test_a_reply_that_could_mean_two_incidents_is_answered_with_their_codes(room: Room) -> None:
    first, second = room.opens(description="Pump 1"), room.opens(description="Pump 2")
    room.says(ANN, "yes")
    assert room.inbox(ANN)[-1] == (
        "Which one do you mean: 12 Pump 2, 11 Pump 1? Reply YES or NO with the number, like YES 12."
    )
    assert {room.state(first), room.state(second)} == {"open"}
    room.says(ANN, "11")
    assert (room.state(first), room.state(second)) == ("acknowledged", "open")
    room.says(ANN, "NO 12")
    assert room.state(second) == "open"
    assert room.read(second)["level"] == 2


def test_a_second_yes_is_told_who_has_it_since_when(room: Room) -> None:
    incident = room.opens()
    room.says(ANN, "no")
    room.says(BEN, "ja")
    room.says(ANN, "yes")
    assert room.inbox(ANN)[-1] == "Ben took 11 (Pump 1 failed) at 12:00."
    assert room.read(incident)["acknowledged_by"] == "Ben"


def test_previously_published_message_only_tells_which_closed_incident_is_meant(room: Room) -> None:
    first = room.opens(description="Pump 1")
    first_page = room.last_id(ANN)
    second = room.opens(description="Pump 2")
    room.waits(165)
    assert (room.state(first), room.state(second)) == ("unacknowledged", "unacknowledged")
    room.says(ANN, "yes")
    assert "Reply YES or NO with the number" in room.inbox(ANN)[-1]
    room.says(ANN, "yes", in_reply_to=first_page)
    assert (room.state(first), room.state(second)) == ("acknowledged", "unacknowledged")


def test_what_is_not_understood_is_asked_about_once(room: Room) -> None:
    incident = room.opens()
    room.says(ANN, "no problem")
    assert room.inbox(ANN)[-1] == (
        "I could not read your answer as YES or NO.\n"
        "11 (Pump 1 failed) is still open: reply YES 11 to take it or NO 11 to pass it on."
    )
    room.says(ANN, "hmm")
    assert len(room.inbox(ANN)) == 2
    room.says(ANN, "yes")
    assert room.state(incident) == "acknowledged"


def test_a_stranger_is_never_answered(room: Room) -> None:
    room.opens()
    room.says("+447700900999", "yes")
    room.says("+447700900999", "STOP")
    assert room.inbox("+447700900999") == []


def test_stop_is_confirmed_and_hands_the_incident_on_at_once(room: Room) -> None:
    incident = room.opens()
    room.says(ANN, "Stop. Thank you")
    assert room.inbox(ANN)[-1].startswith("You will receive no more messages from this number.")
    assert len(room.inbox(BEN)) == 1
    assert "Ann cannot be reached by sms: this phone wants no messages" in room.timeline(incident)

    second = room.opens(description="Pump 2")
    assert len(room.inbox(ANN)) == 2, "an opted-out phone is not paged"
    assert room.read(second)["level"] == 2
    room.says(ANN, "start")
    room.opens(description="Pump 3")
    room.waits(2)  # texts to one phone leave a second apart
    assert "Pump 3" in room.inbox(ANN)[-1]


def test_the_same_sms_delivered_twice_is_taken_once(room: Room) -> None:
    incident = room.opens(contacts=[*NAMED, {"name": "Cleo", "phone": "+447700900789"}])
    room.says(ANN, "no")
    before = room.timeline(incident)
    from service.channels.inbound import InboundSms

    sms = InboundSms("same", BEN, "", "nein", None, room.api.clock.now())
    for _ in range(3):
        room.api.service.escalation.replies.receive(sms)
        room.works()
    assert room.read(incident)["level"] == 3
    assert len(room.inbox("+447700900789")) == 1
    assert room.timeline(incident)[: len(before)] == before


def test_more_incidents_than_a_person_reads_arrive_as_one_summary(room: Room) -> None:
    for n in range(15):
        room.opens(description=f"Pump {n}")
    pages = [text for text in room.inbox(ANN) if "Can you take it?" in text]
    assert len(pages) == 5
    room.waits(11)
    assert room.inbox(ANN)[-1] == (
        "10 incidents wait for you: 29 Pump 14, 28 Pump 13, 27 Pump 12, 26 Pump 11, 23 Pump 10, 22 Pump 9, "
        "21 Pump 8, 19 Pump 7, 18 Pump 6, 17 Pump 5. "
        "Reply YES or NO with the number, like YES 29, or YES ALL for all of them."
    )
    room.says(ANN, "yes 29 28")
    assert len(room.api.client.get("/v1/incidents?state=acknowledged").json()["items"]) == 2  # type: ignore[arg-type]


def test_the_same_incident_again_is_the_first_one_other_content_is_a_conflict(room: Room) -> None:
    assert room.api.client.post("/v1/incidents", SAMPLE).status == 201
    again = room.api.client.post("/v1/incidents", SAMPLE)
    plain = {name: value["S"] for name, value in SAMPLE.items()}
    assert (again.status, room.api.client.post("/v1/incidents", plain).status) == (200, 200)
    other = room.api.client.post("/v1/incidents", {**plain, "description": "Other"})
    assert other.status == 409
    room.works()
    assert len(room.inbox(ANN)) == 1


def test_acknowledging_and_cancelling_by_the_api(room: Room) -> None:
    first, second = room.opens(description="Pump 1"), room.opens(description="Pump 2")
    post = room.api.client.post
    acknowledged = post(f"/v1/incidents/{first}/acknowledge", {"by": "the control room"})
    assert acknowledged.json()["acknowledged_by"] == "the control room"
    assert post(f"/v1/incidents/{first}/cancel", {}).status == 409
    assert post(f"/v1/incidents/{second}/cancel", {}).json()["state"] == "cancelled"
    assert post(f"/v1/incidents/{second}/acknowledge", {}).status == 409
    assert post("/v1/incidents/nope/acknowledge", {}).status == 404
    room.works()
    assert set(room.inbox(ANN)[-2:]) == {
        "the control room has 11 (Pump 1). You need not do anything.",
        "12 (Pump 2) has been called off. You need not do anything.",
    }
    room.waits(200)
    assert len(room.inbox(ANN)) == 4, "nobody is paged once it is over"


def test_bad_incidents_are_refused_with_every_fault(room: Room) -> None:
    post = room.api.client.post
    body = {"description": "x", "policy": "defualt", "contacts": [{"phone": ANN}]}
    refused = post("/v1/incidents", body)
    assert refused.status == 422
    message = 'there is no escalation policy "defualt": did you mean "default"?'
    assert refused.json()["errors"] == [{"path": "policy", "message": message}]
    unknown = post("/v1/incidents", {"description": "x", "contacts": [{"recipient": "nobody"}]})
    assert unknown.json()["errors"] == [
        {
            "path": "contacts[0].recipient",
            "message": "there is no recipient 'nobody': add them first",
        }
    ]
    assert post("/v1/incidents", []).status == 422
    assert room.api.client.call("POST", "/v1/incidents", body="{", headers=JSON).status == 400


JSON = {"Content-Type": "application/json"}


def test_a_recipient_is_paged_by_profile(room: Room) -> None:
    messaging = room.api.service.messaging
    profile = {"user_id": "u1", "first_name": "Zoé", "language": "fr", "preference": "sms", "phone": "+33639980012"}
    messaging.directory.put(messaging.profiles.parse(profile))
    incident = room.opens(contacts=[{"recipient": "u1"}])
    assert room.inbox("+33639980012")[0].startswith("Pump 1 failed\nPouvez-vous ")
    room.says("+33639980012", "OUI")
    assert room.read(incident)["acknowledged_by"] == "Zoé"


def test_phones_are_shown_in_full_only_with_the_scope_pii(room: Room) -> None:
    incident = room.opens()
    assert ANN in room.api.client.get(f"/v1/incidents/{incident}").text
    modest = room.api.client_with(Scope.INCIDENTS)
    assert ANN not in modest.get(f"/v1/incidents/{incident}").text
    assert room.api.client_with(Scope.NOTIFY).get(f"/v1/incidents/{incident}").status == 403


def test_the_messages_of_an_incident_tell_what_became_of_each(room: Room) -> None:
    incident = room.opens()
    room.says(BEN, "STOP")
    room.waits(40)
    room.says(ANN, "NO")
    sent = room.messages(incident)
    assert [(one["message"], one["contact"], one["status"]) for one in sent[:4]] == [
        ("page", 1, "accepted"),
        ("reminder", 1, "accepted"),
        ("declined", 1, "accepted"),
        ("page", 2, "failed"),
    ]
    entries = {entry.id for entry in room.api.service.messaging.outbox.entries().items}
    assert {one["provider_id"] for one in sent[:2]} <= entries
    assert room.messages(incident, limit=1) == sent


def test_an_approval_is_declined_for_good(room: Room) -> None:
    incident = room.opens(policy="approval", description="Purchase 4711 of 12,000 EUR")
    room.says(ANN, "NO")
    shown = room.read(incident)
    assert (shown["state"], shown["why"]) == ("cancelled", "declined")
    room.waits(5)
    assert room.inbox(BEN) == []


def test_an_incident_may_be_opened_for_later(room: Room) -> None:
    incident = room.opens(open_at="2026-05-10T12:01:00Z")
    assert room.inbox(ANN) == []
    assert room.read(incident)["level"] == 0
    room.waits(61)
    assert len(room.inbox(ANN)) == 1


def test_a_rule_opens_an_incident(room: Room) -> None:
    from service.decide.outcomes import ContactWanted, IncidentWanted
    from service.evaluations import outcomes

    now = room.api.clock.now()
    wanted = IncidentWanted("Gas", "Methane at 5 %", "default", (ContactWanted(name="Ann", phone=ANN),))
    room.api.service.store.add(*outcomes.items("01evaluation", [wanted], {"app": "sensors"}, now))
    room.works()
    assert room.inbox(ANN)[-1].startswith("Methane at 5 %")


def test_every_page_is_audited_without_contact_data(room: Room) -> None:
    incident = room.opens(incident_id="audited")
    room.says(ANN, "yes")
    entries = room.api.client.get(f"/v1/audit?request_id=incident-{incident}")
    assert entries.text.count("acknowledged") >= 1
    assert ANN not in entries.text


def test_a_line_of_the_log_keeps_its_own_level_beside_that_of_the_incident(
    room: Room, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO", "service.escalate.incidents"):
        room.opens()
        room.says(ANN, "yes")
    (record,) = [one for one in caplog.records if "is acknowledged" in one.getMessage()]
    line = json.loads(Formatter().format(record))
    assert (line["level"], line["state"], line["escalation_level"]) == ("INFO", "acknowledged", None)
