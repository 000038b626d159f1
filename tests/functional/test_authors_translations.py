"""Whoever has a translator says it themselves: the author's own words come first, and are judged."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from service.core.clock import HandClock
from service.messages.templates import TemplateRefused, read_template
from tests.functional.backends import Install
from tests.functional.client import ROOT
from tests.functional.conftest import NOON, api_of
from tests.functional.few_rules import few_rules
from tests.functional.test_notifications import JOHN, MARY, Desk

REPEATED_ON_AWS = False

TEXT = "The warehouse in Leeds is closed on Monday; call {{ phone }}."
GERMAN = "Das Lager in Leeds ist am Montag geschlossen; rufen Sie {{ phone }} an."


def desk_of(install: Install, tmp_path: Path, **settings: object) -> Desk:
    api = api_of(install(HandClock(NOON), rules_dir=few_rules(tmp_path, "lead.yaml"), **settings))
    api.service.working_copies.sweep()
    desk = Desk(api)
    desk.recipients("all", JOHN, {**MARY, "language": "de-AT"})
    return desk


def test_the_authors_own_words_reach_readers_of_their_language(install: Install, tmp_path: Path) -> None:
    desk = desk_of(install, tmp_path)
    sent = desk.sends(text=TEXT, audience="all", variables={"phone": "0113 496 0999"}, translations={"de": GERMAN})
    desk.works(5)
    assert desk.status(sent) == "completed"
    assert GERMAN.replace("{{ phone }}", "0113 496 0999") in {entry.text for entry in desk.outbox()}
    renditions = desk.read(sent)["renditions"]
    assert isinstance(renditions, list)
    assert {one["language"]: one["provenance"] for one in renditions} == {"en": "source", "de-AT": "author"}


def test_what_a_default_says_is_the_authors_in_each_language(install: Install, tmp_path: Path) -> None:
    desk = desk_of(install, tmp_path)
    sent = desk.sends(
        text='Hello {{ who | default("there") }}, the warehouse in Leeds is closed.',
        audience="all",
        translations={"de": "Guten Tag{{ who | default(', liebe Leute') }}, das Lager in Leeds ist geschlossen."},
    )
    desk.works(5)
    assert desk.status(sent) == "completed"
    said = {entry.text.strip() for entry in desk.outbox()}
    assert "Guten Tag, liebe Leute, das Lager in Leeds ist geschlossen." in said
    assert "Hello there, the warehouse in Leeds is closed." in said


def test_what_a_default_says_is_judged(install: Install, tmp_path: Path) -> None:
    desk = desk_of(install, tmp_path)
    sent = desk.sends(text='You are {{ who | default("a complete idiot") }}.', audience="all")
    desk.works(3)
    assert desk.status(sent) == "held_for_review"


def test_the_authors_own_words_reach_readers_of_another_variety(install: Install, tmp_path: Path) -> None:
    desk = desk_of(install, tmp_path)
    desk.recipients("all", {**JOHN, "user_id": "gb", "language": "en-GB", "email": "gb@example.com"})
    sent = desk.sends(
        text="The color of the labels is red.", audience="all", translations={"en-GB": "The colour of labels is red."}
    )
    desk.works(5)
    said = {entry.to: entry.text.strip() for entry in desk.outbox()}
    assert said["gb@example.com"] == "The colour of labels is red."
    assert said["john@example.com"] == "The color of the labels is red."
    renditions = desk.read(sent)["renditions"]
    assert isinstance(renditions, list)
    assert {one["language"]: one["provenance"] for one in renditions}["en-GB"] == "author"


def test_a_translation_is_judged_like_the_source(install: Install, tmp_path: Path) -> None:
    desk = desk_of(install, tmp_path)
    rude = "Das ist das dritte Mal, dass ihr uns so schlimm enttäuscht habt!"
    sent = desk.sends(text="The warehouse is closed on Monday.", audience="all", translations={"de": rude})
    desk.works(3)
    assert desk.status(sent) == "held_for_review"
    assert desk.outbox() == []


@pytest.mark.parametrize(
    ("translations", "path"),
    [
        ({"de": "Das Lager ist geschlossen."}, "translations.de.text"),
        ({"xx-yy-zz": GERMAN}, "translations.xx-yy-zz"),
        ({"de": {"text": GERMAN, "subject": "Lager"}}, "translations.de.subject"),
        ({"de": "   {{ phone }}"[:3]}, "translations.de.text"),
        ({"de": GERMAN, "DE": GERMAN}, "translations.DE"),
        ({"en": TEXT}, "translations.en"),
        ({"en-US": TEXT}, "translations.en-US"),
        ({"de": None}, "translations.de"),
    ],
)
def test_what_does_not_fit_is_named_at_its_language(
    install: Install, tmp_path: Path, translations: dict[str, object], path: str
) -> None:
    desk = desk_of(install, tmp_path)
    body = {"text": TEXT, "audience": "all", "variables": {"phone": "1"}, "translations": translations}
    reply = desk.api.client.post("/v1/notifications", body)
    assert reply.status == 422
    errors = reply.json()["errors"]
    assert isinstance(errors, list)
    assert path in {error["path"] for error in errors}


def test_a_template_has_the_authors_words_beside_it(install: Install, tmp_path: Path) -> None:
    templates = tmp_path / "templates"
    shutil.copytree(ROOT / "templates", templates)
    folder = templates / "closed"
    folder.mkdir()
    (folder / "sms.txt").write_text(TEXT)
    (folder / "sms.de.txt").write_text(GERMAN)
    desk = desk_of(install, tmp_path, templates_dir=templates)
    desk.sends(template="closed", audience="all", variables={"phone": "1"})
    desk.works(5)
    assert GERMAN.replace("{{ phone }}", "1") in {entry.text for entry in desk.outbox()}
    body = {"template": "closed", "audience": "all", "variables": {"phone": "1"}, "translations": {"de": GERMAN}}
    assert desk.api.client.post("/v1/notifications", body).status == 422, "no request words a template"


def test_a_templates_translation_that_loses_a_placeholder_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "closed"
    folder.mkdir()
    (folder / "sms.txt").write_text(TEXT)
    (folder / "sms.de.txt").write_text("Das Lager ist geschlossen.")
    with pytest.raises(TemplateRefused, match=r"sms\.de\.txt: the translation lacks"):
        read_template(folder)
