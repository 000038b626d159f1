"""What a sender does in the console: write, check, send; translations, people and files of them."""

from __future__ import annotations

import re
from datetime import timedelta
from io import BytesIO

import pytest

from service.core.enums import Scope
from tests.functional.client import ROOT as REPOSITORY
from tests.functional.conftest import Api
from tests.functional.evaluating import put
from tests.functional.test_console import OWN, signed_in, submit

REPEATED_ON_AWS = False

LIFT = {"recipients": "ann, ben", "text": "The lift is broken."}
CSV = b"user_id;language;preference;email\nann;en;email;ann@example.com\nben;xx-;email;ben@example.com\n"


@pytest.fixture
def people(api: Api) -> Api:
    put(api, (REPOSITORY / "rules" / "sentiment.yaml").read_text())
    for name, language, preference in (("ann", "en", "sms"), ("ben", "sw", "email")):
        profile = {"language": language, "preference": preference, "phone": "+447700900123", "email": "a@example.com"}
        assert api.client.call("PUT", f"/v1/recipients/{name}", json=profile).status == 201
    return api


def works(api: Api) -> None:
    """Let a worker do what comes due within five seconds."""
    worker = api.service.worker()
    for _ in range(10):
        worker.run_due()
        api.clock.advance(timedelta(milliseconds=500))
    worker.close()


def hidden(page: str) -> dict[str, str]:
    return dict(re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', page))


def test_a_check_shows_what_everybody_gets_and_what_it_costs_and_sends_nothing(people: Api) -> None:
    tab = signed_in(people)
    page = submit(tab, "/console/messages/new/check", LIFT).text
    assert "Send to 2 people" in page
    assert "1 part · 19 characters · GSM-7 · ≈ 0.042 USD" in page
    assert "sw: a translation is missing" in page
    assert "Not sure from 0.35" in page
    assert people.client.get("/v1/notifications").json()["items"] == []


def test_a_message_that_would_be_held_says_so_and_which_sentence_decides(people: Api) -> None:
    page = submit(signed_in(people), "/console/messages/new/check", {**LIFT, "text": "You useless idiots."}).text
    assert "A person will look at it first" in page
    assert "Hand in for review to 2 people" in page
    assert "You useless idiots." in page


def test_characters_that_make_an_sms_dear_are_named(people: Api) -> None:
    page = submit(signed_in(people), "/console/messages/new/check", {**LIFT, "text": "The lift is ⚠ broken."}).text
    assert '<code class="culprits">⚠</code>' in page
    assert "UCS-2" in page


def test_a_message_is_sent_once_however_often_its_form_is(people: Api) -> None:
    tab = signed_in(people)
    form = {**LIFT, **hidden(submit(tab, "/console/messages/new/check", LIFT).text)}
    first, second = (submit(tab, "/console/messages/new/send", form) for _ in range(2))
    assert (first.status_code, first.location) == (303, second.location)
    assert tab.get("/console/messages").text.count("The lift is broken.") == 1
    assert "Stop…" in tab.get(first.location).text
    assert submit(tab, f"{first.location}/stop", {}).status_code == 303
    assert "called off" in tab.get(first.location).text


def test_a_message_that_was_changed_after_its_check_is_not_sent(people: Api) -> None:
    tab = signed_in(people)
    form = {**LIFT, **hidden(submit(tab, "/console/messages/new/check", LIFT).text), "text": "Another text."}
    assert "Check it again" in submit(tab, "/console/messages/new/send", form).text
    assert people.client.get("/v1/notifications").json()["items"] == []


def test_a_test_goes_to_its_sender_alone_and_the_message_waits_for_its_own_button(people: Api) -> None:
    tab = signed_in(people)
    form = hidden(submit(tab, "/console/messages/new/check", LIFT).text)
    me = {"test_to": "me@example.com", "test_language": "en"}
    page = submit(tab, "/console/messages/new/test", {**form, **me}).text
    assert "A test is on its way" in page
    assert "Send to 2 people" in page
    works(people)
    assert [sent.entry.to for sent in people.service.messaging.outbox.entries(limit=10).items] == ["me@example.com"]
    again = submit(tab, "/console/messages/new/send", {**LIFT, **hidden(page)})
    assert again.status_code == 303, "the check still counts"


@pytest.mark.parametrize("to", ["nonsense", "@", "12345", ""])
def test_a_test_to_nobody_says_what_to_write(people: Api, to: str) -> None:
    tab = signed_in(people)
    form = hidden(submit(tab, "/console/messages/new/check", LIFT).text)
    page = submit(tab, "/console/messages/new/test", {**form, "test_to": to, "test_language": "en"}).text
    assert 'id="error-test_to"' in page
    assert people.client.get("/v1/notifications").json()["items"] == []


def test_adding_a_person_changes_nobody_who_exists(people: Api) -> None:
    before = people.client.get("/v1/recipients/ann").json()
    form = {"is_new": "1", "user_id": "ann", "first_name": "Cat", "language": "en", "preference": "email"}
    answer = submit(signed_in(people), "/console/people", {**form, "email": "cat@example.com"})
    assert answer.status_code == 409
    assert "ann exists already" in answer.text
    assert 'value="Cat"' in answer.text
    assert people.client.get("/v1/recipients/ann").json() == before


def test_two_who_change_one_person_do_not_undo_each_other(people: Api) -> None:
    tab = signed_in(people)
    form = {"user_id": "ann", "language": "en", "preference": "sms", "phone": "+447700900123"}
    seen = hidden(tab.get("/console/people/ann/edit").text)
    assert submit(tab, "/console/people", {**form, **seen, "first_name": "Anna"}).status_code == 303
    answer = submit(tab, "/console/people", {**form, **seen, "email": "ann@example.org"})
    assert answer.status_code == 409
    assert "Somebody else changed this person" in answer.text
    assert 'value="ann@example.org"' in answer.text
    assert people.client.get("/v1/recipients/ann").json()["first_name"] == "Anna"
    assert submit(tab, "/console/people", {**form, **hidden(answer.text), "first_name": "Anna"}).status_code == 303


def test_what_is_wrong_with_a_message_stands_at_its_field(people: Api) -> None:
    page = submit(signed_in(people), "/console/messages/new/check", {"recipients": "ann", "text": "\u200b"}).text
    assert 'aria-describedby="error-text"' in page


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ("North", "gives no value: write its name, a colon and the value"),
        (": North", "gives no value"),
        ("house: North\nhouse: South", "stands here twice"),
    ],
)
def test_a_line_of_values_that_gives_none_is_named(values: str, said: str, people: Api) -> None:
    given = {"recipients": "ann", "text": "The lift in {{ house }} is broken.", "variables": values}
    page = submit(signed_in(people), "/console/messages/new/check", given).text
    assert said in page
    assert values.splitlines()[0] in page


def test_what_is_wrong_is_said_in_the_words_of_the_page(people: Api) -> None:
    tab = signed_in(people)
    check = "/console/messages/new/check"
    nobody = submit(tab, check, {"audience": "nobody", "text": "The lift is broken."}).text
    assert "has no recipients: add some first" in nobody
    assert "/v1/" not in nobody
    unknown = submit(tab, check, {"recipients": "ann bea", "text": "The lift is broken."}).text
    assert "number 2 is not a known recipient: add them first" in unknown
    lacking = submit(tab, check, {"recipients": "ann", "text": "The lift in {{ house }} is broken."}).text
    assert "house is missing, and the message needs it" in lacking
    schedule = {"audience": "nobody", "text": "Hi there", "cron": "x", "once": "1"}
    refused = submit(tab, "/console/schedules", schedule).text
    assert "When: " in refused
    assert "notification" not in refused.partition("<main")[2].partition("<form")[0]


def test_a_phone_that_can_be_none_is_not_searched_for(people: Api) -> None:
    page = signed_in(people).get("/console/people?search=%2B4917").text
    assert "Nobody was looked for: the phone number has too few digits" in page
    assert "write it with +" in signed_in(people).get("/console/people/opt-outs?contact=0770").text


def test_a_missing_translation_is_supplied(people: Api) -> None:
    tab = signed_in(people)
    form = {**LIFT, **hidden(submit(tab, "/console/messages/new/check", LIFT).text)}
    submit(tab, "/console/messages/new/send", form)
    works(people)
    page = tab.get("/console/translations").text
    (action,) = re.findall(r'action="(/console/translations/[^"]+)"', page)
    assert submit(tab, action, {"text": " "}).status_code == 422
    assert submit(tab, action, {"text": "Lifti imeharibika."}).status_code == 303
    assert "No text waits" in tab.get("/console/translations").text


def test_a_file_of_people_is_looked_at_then_stored(api: Api) -> None:
    tab = signed_in(api)
    form = {"file": (BytesIO(CSV), "people.csv"), "audience": "staff"}
    looked = tab.post("/console/people/import/look", data=form, headers=OWN).text
    assert "1 row fits, 1 does not" in looked
    assert "semicolons" in looked
    assert api.client.get("/v1/recipients").json()["items"] == []
    stored = submit(tab, "/console/people/import/store", hidden(looked)).text
    assert "1 person is stored" in stored
    assert api.client.get("/v1/audiences/staff").json()["size"] == 1


def test_a_file_that_is_none_is_refused_where_it_was_chosen(api: Api) -> None:
    form = {"file": (BytesIO(b"\x00\x01"), "people.csv")}
    answer = signed_in(api).post("/console/people/import/look", data=form, headers=OWN)
    assert answer.status_code == 422
    assert 'role="alert"' in answer.text


def test_a_person_is_added_changed_and_erased_only_by_their_id(api: Api) -> None:
    tab = signed_in(api)
    profile = {"is_new": "1", "user_id": "emp7", "language": "de", "preference": "sms", "phone": "12"}
    refused = submit(tab, "/console/people", profile)
    assert (refused.status_code, 'aria-describedby="error-phone"' in refused.text) == (422, True)
    profile |= {"phone": "+447700900123", "audience": "duty"}
    assert submit(tab, "/console/people", profile).location == "/console/people/emp7"
    assert "+447700900123" in tab.get("/console/people/emp7/edit").text
    assert submit(tab, "/console/people/emp7/audiences/duty/leave", {}).status_code == 303
    assert submit(tab, "/console/people/emp7/erase", {"typed": "emp"}).status_code == 422
    assert api.client.get("/v1/recipients/emp7").status == 200
    assert submit(tab, "/console/people/emp7/erase", {"typed": "emp7"}).status_code == 303
    assert api.client.get("/v1/recipients/emp7").status == 404


def test_a_sender_without_the_scope_of_the_rules_checks_as_well(people: Api) -> None:
    page = submit(signed_in(people, Scope.NOTIFY), "/console/messages/new/check", LIFT).text
    assert "Send to 2 people" in page
    assert "harm, from 0 to 1</span>" in page
