"""A slip in a policy or a template must not silence the pagers at the next restart."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from service.cli.checks.rule_files import rule_files
from service.config import Settings
from service.core.errors import TocsinError
from service.wiring.app import Service
from service.wiring.edited_texts import EditedTexts
from tests.functional.client import ROOT

Open = Callable[[], Service]


@pytest.fixture
def folders(tmp_path: Path) -> Path:
    """The administrators' folders, to be edited."""
    for name in ("rules", "templates"):
        shutil.copytree(ROOT / name, tmp_path / name)
    return tmp_path


@pytest.fixture
def restarted(folders: Path) -> Iterator[Open]:
    """Start a process of the service on these folders."""
    opened: list[Service] = []

    def restart() -> Service:
        settings = Settings(
            home=folders / "home", rules_dir=folders / "rules", templates_dir=folders / "templates", rules_watch=False
        )
        opened.append(Service(settings))
        return opened[-1]

    yield restart
    for service in opened:
        service.store.close()


def test_a_broken_policy_is_told_and_the_last_good_ones_serve(
    folders: Path, restarted: Open, caplog: pytest.LogCaptureFixture
) -> None:
    policy = folders / "rules" / "escalation" / "medicine.yaml"
    before = restarted().escalation.incidents.policies.get("medicine")
    policy.write_text(policy.read_text().replace("levels", "level"))
    assert restarted().escalation.incidents.policies.get("medicine") == before
    assert 'medicine.yaml:3:1: error: unknown key "level"' in caplog.text
    policy.unlink()
    assert "medicine" not in restarted().escalation.incidents.policies.names


def test_broken_templates_are_told_all_at_once_and_the_last_good_ones_serve(
    folders: Path, restarted: Open, caplog: pytest.LogCaptureFixture
) -> None:
    before = restarted().messaging.templates.get("incident-page")
    (folders / "templates" / "incident-page" / "sms.txt").write_bytes(b"St\xf6rung: {{ description }}")
    (folders / "templates" / "follow-up" / "sms.txt").write_text("Dear {{ first_name | shout }}")
    assert restarted().messaging.templates.get("incident-page") == before
    assert "incident-page/sms.txt: not UTF-8 from byte 2" in caplog.text
    assert "follow-up/sms.txt" in caplog.text


def test_a_broken_catalogue_is_told_and_the_last_good_ones_serve(
    folders: Path, restarted: Open, caplog: pytest.LogCaptureFixture
) -> None:
    catalogue = folders / "templates" / "catalogues" / "de.po"
    before = restarted().messaging.catalogues
    catalogue.write_text(catalogue.read_text() + '\nmsgid "open\n')
    assert restarted().messaging.catalogues == before
    assert "de.po:" in caplog.text


@pytest.mark.parametrize(
    "file", ["templates/incident-page/sms.txt", "templates/catalogues/de.po", "rules/escalation/default.yaml"]
)
def test_a_pipe_in_the_place_of_a_file_is_told_and_the_last_good_ones_serve(
    folders: Path, restarted: Open, caplog: pytest.LogCaptureFixture, file: str
) -> None:
    before = restarted()
    (folders / file).unlink()
    os.mkfifo(folders / file)
    after = restarted()
    assert after.escalation.incidents.policies.names == before.escalation.incidents.policies.names
    assert after.messaging.templates.names == before.messaging.templates.names
    assert f"{file} cannot be read: it is not a regular file" in caplog.text


def test_what_lies_about_in_a_folder_is_not_kept_and_does_not_hold_up_a_start(folders: Path, restarted: Open) -> None:
    with (folders / "templates" / "backup.tar").open("wb") as huge:
        huge.truncate(1 << 40)
    (folders / "rules" / "escalation" / ".#default.yaml").symlink_to("grace@host.4711:1780000000")
    assert restarted().messaging.templates.names
    assert (folders / "home" / "last-good" / "templates.zip").stat().st_size < 1 << 20


def test_a_policy_or_vocabulary_whose_name_ends_in_yml_is_told(
    folders: Path, restarted: Open, caplog: pytest.LogCaptureFixture
) -> None:
    (folders / "rules" / "escalation" / "night.yml").write_text("escalation: night")
    (folders / "rules" / "replies" / "tlh.yml").write_text("replies: tlh")
    service = restarted()
    assert "night.yml is not read: name it night.yaml" in caplog.text
    assert "tlh.yml is not read: name it tlh.yaml" in caplog.text
    found = [one.found for one in rule_files(service.settings, service.store, service.clock)]
    assert [one.split(" is not read")[0] for one in found] == ["escalation/night.yml", "replies/tlh.yml"]


@pytest.mark.parametrize("file", ["templates/incident-page/sms.txt", "rules/escalation/default.yaml"])
def test_a_first_start_with_a_broken_file_is_refused(folders: Path, restarted: Open, file: str) -> None:
    (folders / file).write_text("{{ ")
    with pytest.raises(TocsinError, match=Path(file).name):
        restarted()


def test_what_is_edited_is_used_without_a_restart_and_a_slip_changes_nothing(
    folders: Path, restarted: Open, caplog: pytest.LogCaptureFixture
) -> None:
    service = restarted()
    edited = EditedTexts(service.settings, service.messaging, service.escalation)
    policy = folders / "rules" / "escalation" / "medicine.yaml"
    page = folders / "templates" / "incident-page" / "sms.txt"
    night = policy.with_name("night.yaml")
    night.write_text(policy.read_text().replace("escalation: medicine", "escalation: night"))
    page.write_text(page.read_text() + "\nCall the desk if in doubt.")
    edited.look()
    assert "night" not in service.escalation.incidents.policies.names  # somebody may still be writing
    edited.look()
    assert "night" in service.escalation.incidents.policies.names
    assert "Call the desk" in service.messaging.templates.get("incident-page").sms.source
    night.write_text("escalation: night\nlevel: []\n")
    edited.look()
    edited.look()
    assert "night" in service.escalation.incidents.policies.names
    assert "night.yaml:2:1" in caplog.text
