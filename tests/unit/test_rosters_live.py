"""Roster files as administrators change them under a running service."""

from __future__ import annotations

from pathlib import Path

import pytest

from service.rosters.rosters import Rosters, UnknownRoster
from tests.unit.test_roster_file import PUMPS

GAS = PUMPS.replace("roster: pumps", "roster: gas")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "rosters"
    made.mkdir()
    (made / "pumps.yaml").write_text(PUMPS)
    (made / "gas.yaml").write_text(GAS)
    return made


def rosters(folder: Path) -> Rosters:
    return Rosters(folder, folder.parent / "last-good" / "rosters")


def test_a_changed_file_is_followed_and_a_new_one_is_there(folder: Path) -> None:
    followed = rosters(folder)
    assert followed.get("pumps").timezone == "Europe/Berlin"
    (folder / "pumps.yaml").write_text(PUMPS.replace("Europe/Berlin", "Europe/Paris"))
    (folder / "mains.yaml").write_text(PUMPS.replace("roster: pumps", "roster: mains"))
    assert followed.get("pumps").timezone == "Europe/Paris"
    assert list(followed.all()) == ["gas", "mains", "pumps"]
    (folder / "gas.yaml").unlink()
    assert list(followed.all()) == ["mains", "pumps"]


def test_a_broken_file_harms_no_other_and_what_was_last_used_of_it_goes_on(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    followed = rosters(folder)
    assert len(followed.all()) == 2
    (folder / "pumps.yaml").write_text(PUMPS.replace("[ann, ben]", "[ann, bne]"))
    (folder / "gas.yaml").write_text(GAS.replace("Europe/Berlin", "Europe/Rome"))
    assert followed.get("pumps").rotations[0].order == ("ann", "ben")
    assert followed.get("gas").timezone == "Europe/Rome"
    followed.all()
    assert [line for line in caplog.messages if "what was last used of it goes on" in line] == [
        line for line in caplog.messages if "bne" in line
    ]
    assert len(caplog.messages) == 1
    assert list(followed.complaints()) == ["pumps.yaml"]


def test_a_process_that_starts_while_a_file_is_broken_uses_what_another_used(folder: Path) -> None:
    assert len(rosters(folder).all()) == 2
    (folder / "pumps.yaml").write_text("roster: [")
    assert rosters(folder).get("pumps").rotations[0].order == ("ann", "ben")
    (folder / "pumps.yaml").unlink()
    restarted = rosters(folder)
    assert list(restarted.all()) == ["gas"]


def test_a_file_that_never_was_sound_is_no_roster(folder: Path) -> None:
    (folder / "pumps.yaml").write_text("roster: [")
    with pytest.raises(UnknownRoster, match='there is no roster "pumps": there are: gas'):
        rosters(folder).get("pumps")


def test_a_folder_that_cannot_be_listed_changes_nothing(folder: Path) -> None:
    followed = rosters(folder)
    assert len(followed.all()) == 2
    folder.rename(folder.with_name("moved"))
    folder.write_text("not a folder")
    assert len(followed.all()) == 2


def test_without_a_folder_there_are_no_rosters(tmp_path: Path) -> None:
    assert rosters(tmp_path / "nowhere").all() == {}
