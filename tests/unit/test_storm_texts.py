"""Texts that stand for many: in every language they fit three parts of an SMS, in its own alphabet where they can."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from service.channels import Reference, Sms
from service.channels.phones import PhoneRules
from service.core.enums import Channel
from service.escalate.gathering import ContactLimits, NoticeGroup, SentNotice, leaves_at
from service.escalate.incident import Contact
from service.escalate.phonebook import ListedPage, listing
from service.escalate.wording import SenderDetails, Wording
from service.language.embedded.catalogue import read_catalogues
from service.messages.segments import not_in_gsm_7, segments_of
from service.messages.templates import read_templates

TEMPLATES = Path(__file__).parents[2] / "templates"
NOON = datetime(2026, 5, 10, 12, tzinfo=UTC)
STORMS = ("incident-storm", *(f"storm-{group.value}" for group in NoticeGroup))


def wording() -> Wording:
    templates = read_templates(TEMPLATES)
    return Wording(
        templates,
        read_catalogues(TEMPLATES / "catalogues"),
        PhoneRules(reserved_allowed=True),
        SenderDetails("Waterworks"),
    )


def pages(about: str, count: int = 60) -> list[ListedPage]:
    return [ListedPage(4000 - n, f"i{n}", 1, 1, NOON, about=f"{about} {n:02d}") for n in range(count)]


@pytest.mark.parametrize("language", ["en", "de", "es", "fr", "it", "pt-BR"])
@pytest.mark.parametrize("template", STORMS)
def test_a_text_for_many_fits_three_parts(template: str, language: str) -> None:
    contact = Contact(1, phone="+447700900123", language=language)
    for about in ("Disk full on database", "Насос остановился", "停电"):
        listed = listing(pages(about))
        said = wording().of_many(Channel.SMS, contact, template, listed, Reference("m", 1, urgent=True))
        assert isinstance(said, Sms)
        assert segments_of(said.text).count <= 3, said.text
        assert "60" in said.text or "4000" in said.text
        if about.isascii():
            assert not not_in_gsm_7(said.text), said.text


def test_a_list_says_the_newest_first_and_how_many_it_had_no_room_for() -> None:
    listed = listing(pages("Disk full"))
    shown = str(listed["codes"]).split(", ")
    assert shown[0] == "4000 Disk full 00"
    assert len(shown) + int(listed["more"]) == listed["count"] == 60


@pytest.mark.parametrize(
    ("told", "in_storm", "seconds"),
    [
        ([], False, None),
        ([], True, 10),
        ([-30], True, 30),
        ([-300], True, 10),
        ([-10, -20, -30, -40], False, None),
        ([-10, -20, -30, -40, -50], False, 15 * 60 - 50),
        ([-900, -20, -30, -40, -50], False, None),
    ],
)
def test_when_what_is_told_together_leaves(told: list[int], in_storm: bool, seconds: int | None) -> None:
    earlier = [SentNotice(NOON + timedelta(seconds=each), Channel.SMS) for each in told]
    found = leaves_at(NoticeGroup.TAKEN, Channel.SMS, earlier, ContactLimits(), NOON, in_storm=in_storm)
    assert found == (None if seconds is None else NOON + timedelta(seconds=seconds))


def test_thanks_are_never_held_back_by_a_limit() -> None:
    earlier = [SentNotice(NOON, Channel.SMS)] * 20
    assert leaves_at(NoticeGroup.THANKS, Channel.SMS, earlier, ContactLimits(), NOON, in_storm=False) is None
