"""The table of fifteen announcements in docs/translations.md is what readers of five languages really got.

With TOCSIN_TEST_DOCS=1 it is written anew.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from service.core.clock import HandClock
from service.language.embedded import mozilla as models
from tests.functional.backends import embedded
from tests.functional.client import ROOT
from tests.functional.conftest import NOON, api_of
from tests.functional.few_rules import few_rules
from tests.functional.test_notifications import MARY, Desk
from tests.functional.test_translation_models import Mozilla, mozilla, tocsin

__all__ = ["mozilla"]

DOCUMENT = ROOT / "docs" / "translations.md"
BEGIN, END = "<!-- announcements -->\n", "<!-- /announcements -->\n"
LANGUAGES = ("de", "fr", "es", "it", "pt-BR")
GYM = ("The gym is closed on May 10.", "Das Fitnessstudio ist am 10. Mai geschlossen.")
ANNOUNCEMENTS = (
    "The office will be closed on Monday, May 10.",
    "Hello Ann,\nYour order has been shipped 🚚",
    "Your invoice of €1,234.50 is due on June 1.",
    "Your appointment is on May 12 at 3:30-4 PM.",
    "Dear all,\n- The office will be closed from December 24 to January 2",
    "Your verification code is 004821",
    "The company is adding a new item to the menu, this will go live by May 10th. "
    "Please ensure you are prepared for this change and plan out accordingly.",
    "The gym is closed on Wednesday, May 12!",
    "The water will be off on Tuesday, May 11 from 9 AM to 12 PM.",
    "The lift in building C is out of order until Thursday. Please use the stairs.",
    "Free coffee in the canteen today ☕ bring your own cup!",
    "Parcels take 2-3 days longer this week.",
    "The late shift on May 14 starts at 1 PM instead of 2 PM.",
    "Please reset your password at https://id.example.com/reset by May 10.",
    "The first aid training is in room 204; call +44 113 496 0999 with questions.",
)

Row = Mapping[str, Mapping[str, object]]


def desk_at(folder: Path) -> Desk:
    service = embedded(folder / "home")(HandClock(NOON), rules_dir=few_rules(folder, "lead.yaml"))
    service.working_copies.sweep()
    desk = Desk(api_of(service))
    desk.recipients("all", *({**MARY, "user_id": f"r-{name.lower()}", "language": name} for name in LANGUAGES))
    return desk


def supply_the_gym(desk: Desk) -> None:
    """Somebody translated another day's message into German before."""
    sent = desk.sends(text=GYM[0], recipients=["r-de"], lane="transactional")
    desk.works(1)
    assert desk.status(sent) == "completed_with_failures"
    wanted = desk.api.client.get("/v1/translations").json()["items"]
    assert isinstance(wanted, list)
    assert desk.api.client.call("PUT", f"/v1/translations/{wanted[0]['id']}", json={"text": GYM[1]}).status == 200
    desk.works(1)


def rows(desk: Desk) -> list[Row]:
    """What the renditions of each announcement say, by language."""
    supply_the_gym(desk)
    sent = [desk.sends(text=text, audience="all") for text in ANNOUNCEMENTS]
    desk.works(10)
    renditions = [desk.read(name)["renditions"] for name in sent]
    return [{str(one["language"]): one for one in each} for each in renditions]  # type: ignore[attr-defined]


def cell(rendition: Mapping[str, object]) -> str:
    if rendition["missing"] and not rendition["drafts"]:
        return "waits"
    said = rendition["drafts"] or rendition["texts"]
    assert isinstance(said, Mapping)
    text = " ".join(str(each) for each in said.values()).replace("\n", " ⏎ ")
    return f"draft: {text}" if rendition["drafts"] else text


def why(without: Row, with_model: Row) -> str:
    german, portuguese = without["de"], with_model["pt-BR"]
    if not without["fr"]["missing"]:
        return "every sentence is in the catalogues"
    known = "German by what a translator said of another day; " if not german["missing"] else ""
    machine = "a draft for a person" if portuguese["drafts"] else "no use: a check failed"
    return f"{known}not in the catalogues, and no model for the rest; the Portuguese model: {machine}"


def table(without: list[Row], with_model: list[Row]) -> str:
    head = ["announcement", *LANGUAGES[:-1], "pt-BR, no model", "pt-BR, model added", "why"]
    lines = [f"| {' | '.join(head)} |", "| --- " * len(head) + "|"]
    for text, none, added in zip(ANNOUNCEMENTS, without, with_model, strict=True):
        cells = [text.replace("\n", " ⏎ "), *(cell(none[name]) for name in LANGUAGES), cell(added["pt-BR"])]
        lines.append(f"| {' | '.join([*cells, why(none, added)])} |")
    return "\n".join(lines) + "\n"


def test_the_table_of_announcements_is_what_readers_got(
    mozilla: Mozilla,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bundled = models.bundled_models()
    for name in ("none", "added"):
        (tmp_path / name).mkdir()
    monkeypatch.setattr(models, "bundled_models", lambda: tmp_path / "no-models")
    without = rows(desk_at(tmp_path / "none"))
    monkeypatch.setenv("TOCSIN_HOME", str(tmp_path / "added" / "home"))
    assert (bundled.is_dir(), tocsin("add", "pt-BR")[0]) == (True, 0)
    with_model = rows(desk_at(tmp_path / "added"))
    document = DOCUMENT.read_text()
    before, _, rest = document.partition(BEGIN)
    expected = f"{before}{BEGIN}{table(without, with_model)}{END}{rest.partition(END)[2]}"
    if os.environ.get("TOCSIN_TEST_DOCS"):
        DOCUMENT.write_text(expected)
    assert DOCUMENT.read_text() == expected, "write it anew with TOCSIN_TEST_DOCS=1"
