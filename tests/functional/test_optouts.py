"""What each opt-out ends, who sees it, and how it is undone."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from msgspec import structs

from service.cli import main
from service.core.clock import HandClock, timestamp
from service.core.enums import Lane, Scope
from service.messages.optouts import OptOutReason, OptOuts
from service.storage import Item
from tests.functional.backends import Install
from tests.functional.client import ROOT, Client
from tests.functional.conftest import NOON, api_of
from tests.functional.few_rules import few_rules
from tests.functional.incident_room import Room
from tests.functional.test_notifications import JOHN, MARY, Desk

REPEATED_ON_AWS = False

MAILBOX, PHONE = "john@example.com", "+491713920012"
TEXT = "The warehouse is closed on Monday."
PHONE_FIRST = """escalation: phone-first
levels:
  - {contacts: [1], channels: [sms, voice, email], wait: 60s, reminders: 0}
"""
POLICY = """escalation: mail-first
levels:
  - {contacts: [1], channels: [email, voice, sms], wait: 60s, reminders: 0}
"""
ARABIC = """msgid ""
msgstr "Content-Type: text/plain; charset=UTF-8\\n"

msgid "Email"
msgstr "البريد الإلكتروني"

msgid "Do you want to stop newsletters and announcements by email?"
msgstr "هل تريد إيقاف النشرات والإعلانات عبر البريد الإلكتروني؟"

msgid "Messages meant for you personally, and incident alerts, still reach you."
msgstr "ستظل تصلك الرسائل التي تخصك والبلاغات."

msgid "Unsubscribe"
msgstr "إلغاء الاشتراك"
"""


@pytest.fixture
def desk(install: Install, tmp_path: Path) -> Desk:
    rules = few_rules(tmp_path)
    (rules / "escalation" / "mail-first.yaml").write_text(POLICY)
    (rules / "escalation" / "phone-first.yaml").write_text(PHONE_FIRST)
    service = install(HandClock(NOON), rules_dir=rules, public_url="https://tocsin.example")
    service.working_copies.sweep()
    desk = Desk(api_of(service))
    desk.recipients("all", JOHN, MARY)
    return desk


def opt_outs(desk: Desk) -> OptOuts:
    return desk.api.service.messaging.opt_outs


def arrives(desk: Desk, lane: Lane, recipient: str = "ui101") -> bool:
    """Whether a message of a lane is sent; if not, it is suppressed."""
    sent = desk.sends(text=TEXT, recipients=[recipient], lane=lane, language="de" if recipient == "ui102" else "en")
    desk.works(2)
    counts = desk.counts(sent)
    assert counts in ({"accepted": 1}, {"suppressed": 1})
    return counts == {"accepted": 1}


def relist(desk: Desk) -> None:
    """Let a worker look through the store for what an earlier version wrote."""
    for each in desk.api.service.messaging.relistings():
        while not each.go_on():
            pass


def paged_by(desk: Desk, recipient: str) -> list[str]:
    """The channels on which an incident pages a recipient at once."""
    room = Room(desk.api)
    incident = room.opens(policy="mail-first", contacts=[{"recipient": recipient}])
    return [str(one["channel"]) for one in room.messages(incident) if one["status"] == "accepted"]


def link(desk: Desk, user_id: str = "ui101") -> str:
    """The path of the link that a recipient's bulk mail carries."""
    links = desk.api.service.messaging.unsubscribe_links
    person = desk.api.service.messaging.directory.get(user_id)
    assert links is not None
    assert person is not None
    return links.of(person).removeprefix("https://tocsin.example")


@pytest.mark.parametrize(
    ("why", "lanes"),
    [
        (OptOutReason.UNSUBSCRIBED, {Lane.TRANSACTIONAL, Lane.INCIDENT}),
        (OptOutReason.COMPLAINT, {Lane.INCIDENT}),
        (OptOutReason.BOUNCE, set()),
    ],
)
def test_a_mailbox_still_gets_what_its_opt_out_does_not_end(desk: Desk, why: OptOutReason, lanes: set[Lane]) -> None:
    opt_outs(desk).add_email("John@Example.com", why)
    assert {lane for lane in Lane if arrives(desk, lane)} == lanes
    assert paged_by(desk, "ui101") == (["email"] if Lane.INCIDENT in lanes else [])


@pytest.mark.parametrize("why", [OptOutReason.KEYWORD, OptOutReason.PROVIDER])
def test_a_phone_that_wants_nothing_gets_neither_messages_nor_calls(desk: Desk, why: OptOutReason) -> None:
    opt_outs(desk).add_phone(PHONE, why)
    desk.recipients("all", {**MARY, "user_id": "ui104", "preference": "voice"})
    assert not any(arrives(desk, lane, user) for lane in Lane for user in ("ui102", "ui104"))


def test_a_page_goes_by_the_next_channel_and_the_timeline_says_why(desk: Desk) -> None:
    desk.recipients("all", {**JOHN, "phone": PHONE})
    opt_outs(desk).add_email(MAILBOX, OptOutReason.BOUNCE)
    assert paged_by(desk, "ui101") == ["voice"]
    opt_outs(desk).add_phone(PHONE, OptOutReason.KEYWORD)
    room = Room(desk.api)
    incident = room.opens(policy="mail-first", contacts=[{"recipient": "ui101"}])
    assert [line for line in room.timeline(incident) if "cannot" in line] == [
        "John cannot be reached by email: this mailbox takes no messages",
        "John cannot be reached by voice: this phone wants no calls",
        "John cannot be reached by sms: this phone wants no messages",
    ]


def test_a_stop_while_being_paged_goes_on_by_mail_without_a_call(desk: Desk) -> None:
    desk.recipients("all", {**JOHN, "phone": PHONE})
    room = Room(desk.api)
    incident = room.opens(policy="phone-first", contacts=[{"recipient": "ui101"}])
    room.says(PHONE, "STOP")
    assert [one["channel"] for one in room.messages(incident)] == ["sms", "email"]
    assert [line for line in room.timeline(incident) if "cannot" in line] == [
        "John cannot be reached by voice: this phone wants no calls",
        "John cannot be reached by sms: this phone wants no messages",
    ]
    room.says(PHONE, "START")
    assert arrives(desk, Lane.BULK, "ui102")


def test_start_lifts_no_opt_out_of_an_administrator_and_says_so(desk: Desk) -> None:
    desk.recipients("all", {**JOHN, "phone": PHONE, "language": "de"})
    opt_outs(desk).add_phone(PHONE, OptOutReason.ADMINISTRATOR)
    room = Room(desk.api)
    room.says(PHONE, "STOP")
    room.says(PHONE, "START")
    assert [one.why for one in opt_outs(desk).of_phone(PHONE)] == [OptOutReason.ADMINISTRATOR]
    assert room.inbox(PHONE)[-1] == (
        "Ein Administrator hat die Nachrichten an dieses Telefon beendet. "
        "Nur ein Administrator kann das rückgängig machen."
    )
    incident = room.opens(policy="phone-first", contacts=[{"recipient": "ui101"}])
    assert "John cannot be reached by sms: this phone wants no messages" in room.timeline(incident)
    (standing,) = opt_outs(desk).of_contact(PHONE)
    assert opt_outs(desk).lift(standing.id)
    room.says(PHONE, "START")
    assert "wieder Nachrichten" in room.inbox(PHONE)[-1]


def test_a_mailbox_that_left_and_then_bounced_has_still_left_when_the_bounce_is_lifted(desk: Desk) -> None:
    register = opt_outs(desk)
    for why in (OptOutReason.UNSUBSCRIBED, OptOutReason.BOUNCE, OptOutReason.COMPLAINT):
        register.add_email(MAILBOX, why)
    assert register.lift_email(MAILBOX, OptOutReason.BOUNCE)
    assert [one.why for one in register.of_email(MAILBOX)] == [OptOutReason.UNSUBSCRIBED, OptOutReason.COMPLAINT]
    assert register.lift_email(MAILBOX, OptOutReason.COMPLAINT)
    assert (arrives(desk, Lane.TRANSACTIONAL), arrives(desk, Lane.BULK)) == (True, False)


def test_the_page_says_what_ended_and_undoes_it(desk: Desk) -> None:
    anybody, path = desk.api.client.with_key(None), link(desk)
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    left = anybody.call("POST", path, body="List-Unsubscribe=One-Click", headers=form)
    assert "You will get no more newsletters and announcements by email." in left.text
    assert "incident alerts, still reach you" in left.text
    assert not arrives(desk, Lane.BULK)
    assert "Undo" in anybody.get(path).text
    back = anybody.call("POST", path, body="undo=1", headers=form)
    assert "You will get newsletters and announcements by email again." in back.text
    assert arrives(desk, Lane.BULK)


def test_undoing_does_not_lift_a_complaint_and_says_so(desk: Desk) -> None:
    opt_outs(desk).add_email(MAILBOX, OptOutReason.COMPLAINT)
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    back = desk.api.client.with_key(None).call("POST", link(desk), body="undo=1", headers=form)
    assert "stopped for another reason" in back.text
    assert not arrives(desk, Lane.BULK)


@pytest.mark.parametrize(
    ("language", "marked", "said"),
    [
        ("de-AT", '<html lang="de" dir="ltr">', "Möchten Sie keine Newsletter und Ankündigungen mehr"),
        ("fr", '<html lang="fr" dir="ltr">', "Se désabonner"),
        ("es-MX", '<html lang="es" dir="ltr">', "Darse de baja"),
        ("it", '<html lang="it" dir="ltr">', "Annulla l&#x27;iscrizione"),
        ("pt-BR", '<html lang="pt-BR" dir="ltr">', "Cancelar inscrição"),
        ("ja", '<html lang="en" dir="ltr">', "Unsubscribe"),
    ],
)
def test_the_page_is_in_the_readers_language(desk: Desk, language: str, marked: str, said: str) -> None:
    desk.recipients("all", {**JOHN, "language": language})
    page = desk.api.client.with_key(None).get(link(desk)).text
    assert marked in page
    assert said in page


def test_the_page_runs_from_right_to_left_where_its_language_does(install: Install, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "templates", tmp_path / "templates")
    (tmp_path / "templates" / "catalogues" / "ar.po").write_text(ARABIC, encoding="utf-8")
    desk = Desk(
        api_of(install(HandClock(NOON), templates_dir=tmp_path / "templates", public_url="https://tocsin.example"))
    )
    desk.recipients("all", {**JOHN, "language": "ar"})
    page = desk.api.client.with_key(None).get(link(desk)).text
    assert '<html lang="ar" dir="rtl">' in page
    assert "إلغاء الاشتراك" in page


def test_the_profile_shows_what_is_suppressed(desk: Desk) -> None:
    opt_outs(desk).add_email(MAILBOX, OptOutReason.UNSUBSCRIBED)
    opt_outs(desk).add_phone(PHONE, OptOutReason.KEYWORD)
    since = timestamp(NOON)
    assert desk.api.client.get("/v1/recipients/ui101").json()["suppressed"] == [
        {"channel": "email", "why": "unsubscribed", "topic": "bulk", "since": since}
    ]
    assert desk.api.client.get("/v1/recipients/ui102").json()["suppressed"] == [
        {"channel": channel, "why": "keyword", "topic": "everything", "since": since} for channel in ("sms", "voice")
    ]


def test_opt_outs_are_listed_lifted_and_the_lifting_audited(desk: Desk) -> None:
    opt_outs(desk).add_email(MAILBOX, OptOutReason.COMPLAINT)
    opt_outs(desk).add_phone("+447700900999", OptOutReason.KEYWORD)
    (mail, phone) = rows(desk.api.client)
    assert (mail["contact"], mail["recipients"], mail["why"], mail["topic"]) == (
        MAILBOX,
        ["ui101"],
        "complaint",
        "notifications",
    )
    assert (phone["contact"], phone["recipients"], phone["channels"]) == (None, [], ["sms", "voice"])
    (masked, _) = rows(desk.api.client_with(Scope.RECIPIENTS))
    assert masked["contact"] == "j…@example.com"
    assert rows(desk.api.client, "?contact=john@example.com") == [mail]
    assert rows(desk.api.client, "?contact=%2B44%207700%20900-999") == [phone]
    assert rows(desk.api.client, "?contact=447700900999") == [phone]
    for unclear in ("07700900999", "nobody", "john@"):
        refused = desk.api.client.get(f"/v1/optouts?contact={unclear}")
        assert (refused.status, "for example" in refused.text) == (422, True)
    assert desk.api.client_with(Scope.NOTIFY).get("/v1/optouts").status == 403

    assert desk.api.client.call("DELETE", f"/v1/optouts/{mail['id']}").status == 204
    assert desk.api.client.call("DELETE", f"/v1/optouts/{mail['id']}").status == 404
    assert rows(desk.api.client) == [phone]
    assert arrives(desk, Lane.BULK)
    entries = desk.api.client.get("/v1/audit").json()["items"]
    assert isinstance(entries, list)
    lifted = [entry for entry in entries if entry["entry_type"] == "opt-out-lifted"]
    assert [(entry["app"], entry["detail"]) for entry in lifted] == [("test app", {"about": mail["id"]})]


@pytest.mark.parametrize(
    "optout_id", ["x", "recipient-ui101", "optout-email-00-bounce", "-", "recipient-ui101-keyword"]
)
def test_what_is_no_opt_out_is_not_found(desk: Desk, optout_id: str) -> None:
    assert desk.api.client.call("DELETE", f"/v1/optouts/{optout_id}").status == 404
    assert desk.api.client.get("/v1/recipients/ui101").status == 200


def rows(client: Client, query: str = "") -> list[dict[str, object]]:
    items = client.get(f"/v1/optouts{query}").json()["items"]
    assert isinstance(items, list)
    return items


def test_opt_outs_of_an_earlier_version_hold_by_their_reason_and_come_to_be_listed(desk: Desk) -> None:
    service = desk.api.service
    register = opt_outs(desk)
    register.add_email(MAILBOX, OptOutReason.UNSUBSCRIBED)
    (standing,) = register.of_contact(MAILBOX)
    item = service.store.get(standing.id.rpartition("-")[0])
    assert item is not None
    service.store.remove(item)
    older = Item(item.id, "opt-out", {"why": "unsubscribed", "since": timestamp(NOON)})
    service.store.add(older)
    assert rows(desk.api.client) == []
    assert (arrives(desk, Lane.TRANSACTIONAL), arrives(desk, Lane.BULK)) == (True, False)
    relist(desk)
    assert [row["id"] for row in rows(desk.api.client)] == [standing.id]


def test_the_shell_lists_and_lifts_them(desk: Desk) -> None:
    home = {"TOCSIN_HOME": str(desk.api.service.settings.home)}

    def optouts(*arguments: str) -> Result:
        return CliRunner().invoke(main, ["optouts", *arguments], env=home)

    opt_outs(desk).add_email(MAILBOX, OptOutReason.UNSUBSCRIBED)
    opt_outs(desk).add_email(MAILBOX, OptOutReason.BOUNCE)
    opt_outs(desk).add_phone("+447700900999", OptOutReason.KEYWORD)
    listed = json.loads(optouts("list", "--json").stdout)["items"]
    assert {(one["contact"], one["why"]) for one in listed} == {
        (MAILBOX, "unsubscribed"),
        (MAILBOX, "bounce"),
        (None, "keyword"),
    }
    assert "ui101 (john@example.com): everything ended" in optouts("list", "--contact", MAILBOX).stdout
    bounce = next(one["id"] for one in listed if one["why"] == "bounce")
    assert optouts("lift", bounce, "+447700900999").exit_code == 0
    assert optouts("lift", bounce).exit_code == 1
    assert [one["why"] for one in json.loads(optouts("list", "--json").stdout)["items"]] == ["unsubscribed"]
    assert optouts("add", MAILBOX).exit_code == 0
    assert optouts("add", "+49 171 3920012").exit_code == 0
    assert optouts("add", "12").exit_code == 1
    assert not arrives(desk, Lane.INCIDENT)
    assert not arrives(desk, Lane.INCIDENT, "ui102")


def test_what_an_earlier_version_wrote_is_listed_and_found_without_being_touched(desk: Desk) -> None:
    store = desk.api.service.store
    register, people = opt_outs(desk), [f"p{n}" for n in range(70)]
    for name in people:
        register.add_email(f"{name}@example.com", OptOutReason.COMPLAINT)
    desk.recipients("all", *[{**JOHN, "user_id": name, "email": f"{name}@example.com"} for name in people])
    profiles = store.get_many([f"recipient-{name}" for name in people]).values()
    for item in (*store.by_index("kind", "opt-out", limit=200).items, *profiles):
        store.save(structs.replace(item, keys={}))
    assert register.listed(None, 200).items == []
    relist(desk)
    listed = desk.api.client.get("/v1/optouts?limit=200").json()["items"]
    assert isinstance(listed, list)
    assert sorted(name for one in listed for name in one["recipients"]) == sorted(people)
    again = desk.api.service.messaging.relistings()
    assert all(each.go_on() for each in again), "once is enough"
