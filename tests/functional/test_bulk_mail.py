"""What a mail says besides its message: how to get no more, and where answers go."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from service.core.clock import HandClock
from tests.functional.backends import Install
from tests.functional.client import ROOT
from tests.functional.conftest import NOON, api_of
from tests.functional.few_rules import few_rules
from tests.functional.test_notifications import JOHN, MARY, Desk

REPEATED_ON_AWS = False

SITE = "https://tocsin.example"
TEXT = "The warehouse is closed on Monday."
HTML = f"""<html><body><p>{TEXT}</p><p><a href="{{{{ unsubscribe_url }}}}">No more</a></p></body></html>"""
LINK = re.compile(rf"{SITE}/u/[\w.-]+")


def desk_of(install: Install, folder: Path, **settings: object) -> Desk:
    templates = folder / "templates"
    (templates / "closed").mkdir(parents=True)
    (templates / "closed" / "sms.txt").write_text(TEXT)
    (templates / "closed" / "email.html").write_text(HTML)
    (templates / "closed" / "template.yaml").write_text("reply_to: depot@example.com\n")
    (templates / "catalogues").symlink_to(ROOT / "templates" / "catalogues")
    rules = few_rules(folder, "lead.yaml")
    api = api_of(install(HandClock(NOON), rules_dir=rules, templates_dir=templates, **settings))
    api.service.working_copies.sweep()
    desk = Desk(api)
    desk.recipients("all", JOHN, {**MARY, "preference": "email", "email": "mary@example.com"})
    return desk


def test_bulk_mail_says_below_how_to_get_no_more_in_the_readers_language(install: Install, tmp_path: Path) -> None:
    desk = desk_of(install, tmp_path, public_url=SITE, sender_name="Acme Depot")
    german = {"de": "Das Lager ist am Montag zu."}
    desk.sends(text=TEXT, audience="all", translations=german)
    desk.works(5)
    john, mary = sorted(desk.outbox(), key=lambda entry: entry.to)
    for entry, said in ((john, "Unsubscribe"), (mary, "Abmelden")):
        (link,) = set(LINK.findall(entry.text))
        assert entry.text.endswith(f"\n\n-- \nAcme Depot\n{said}: {link}\n")
        assert re.search(rf'<a href="{re.escape(link)}"[^>]*>{said}</a>', entry.html or "")
        assert entry.subject in {TEXT, german["de"]}


@pytest.mark.parametrize(("lane", "settings"), [("transactional", {"public_url": SITE}), ("bulk", {})])
def test_no_other_mail_says_how_to_leave(
    install: Install, tmp_path: Path, lane: str, settings: dict[str, object]
) -> None:
    desk = desk_of(install, tmp_path, **settings)
    desk.sends(text=TEXT, recipients=["ui101"], lane=lane)
    desk.works(5)
    (entry,) = desk.outbox()
    assert entry.text.strip() == TEXT
    assert 'class="foot"' not in (entry.html or "")
    faults = desk.api.client.post("/v1/notifications", {"template": "closed", "recipients": ["ui101"], "lane": lane})
    assert faults.status == 422
    assert "variables.unsubscribe_url" in faults.text


def test_a_template_puts_the_link_where_it_likes(install: Install, tmp_path: Path) -> None:
    desk = desk_of(install, tmp_path, public_url=SITE)
    desk.sends(template="closed", recipients=["ui101"])
    desk.works(5)
    (entry,) = desk.outbox()
    assert LINK.findall(entry.html or "") == LINK.findall(entry.text)
    page = desk.api.client.call("GET", LINK.findall(entry.text)[0].removeprefix(SITE))
    assert page.status == 200
    shown = desk.api.client.post("/v1/notifications/preview", {"template": "closed", "recipients": ["ui101"]})
    assert LINK.search(shown.text)


def test_answers_go_where_the_request_or_the_template_says(install: Install, tmp_path: Path) -> None:
    desk = desk_of(install, tmp_path, public_url=SITE)
    messages = desk.api.service.messaging
    asked = {"template": "closed", "recipients": ["ui101"]}
    names = [desk.sends(**asked), desk.sends(**asked, reply_to="ann@example.com")]
    assert [messages.notifications.get(name).message.reply_to for name in names] == [
        "depot@example.com",
        "ann@example.com",
    ]
    refused = desk.api.client.post("/v1/notifications", {**asked, "reply_to": "ann"})
    assert (refused.status, "reply_to" in refused.text) == (422, True)


def test_a_copy_that_says_nothing_but_how_to_leave_is_not_sent(install: Install, tmp_path: Path) -> None:
    desk = desk_of(install, tmp_path, public_url=SITE)
    desk.recipients("quiet", {"user_id": "q", "email": "q@example.com", "preference": "email", "language": "en"})
    desk.sends(text="{{ first_name }}", recipients=["q"])
    desk.works(5)
    assert desk.outbox() == []
