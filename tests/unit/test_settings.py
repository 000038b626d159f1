import re
from enum import Enum
from pathlib import Path

import pytest

from service import config
from service.config import Settings, SettingsError
from tests.functional.client import ROOT, tocsin


def test_every_setting_is_documented_with_its_default_and_meaning() -> None:
    rows = [line for line in (ROOT / "docs" / "settings.md").read_text().splitlines() if line.startswith("| `TOCSIN_")]
    assert rows == [_row(name) for name in Settings.model_fields]


def _row(name: str) -> str:
    field = Settings.model_fields[name]
    default = field.default.value if isinstance(field.default, Enum) else field.default
    shown = "" if default is None else f"`{default}`"
    return f"| `TOCSIN_{name.upper()}` | {shown} | {field.description} |"


@pytest.mark.parametrize(
    ("name", "near"),
    [("TOCSIN_PROT", "TOCSIN_PORT"), ("TOCSIN_RULE_DIR", "TOCSIN_RULES_DIR"), ("TOCSIN_XYZZY", "docs/settings.md")],
)
def test_a_misspelt_name_is_reported_with_the_nearest(name: str, near: str) -> None:
    (sentence,) = config.unknown({name: "1", "TOCSIN_PORT": "1", "HOME": "/root", "PATH": "/bin"})
    assert name in sentence
    assert near in sentence


def test_every_command_reports_a_misspelt_name_of_the_environment_or_of_a_file(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("TOCSIN_WOKERS=3\nOTHER=1\n")
    ended = tocsin("keys", "list", settings={"TOCSIN_HOME": str(tmp_path), "TOCSIN_PROT": "1"}, cwd=tmp_path)
    assert ended.returncode == 0
    assert "did you mean TOCSIN_PORT?" in ended.stderr
    assert "did you mean TOCSIN_WORKERS?" in ended.stderr


def test_a_value_that_cannot_be_used_ends_the_command_with_2_and_names_every_such_setting(tmp_path: Path) -> None:
    wrong = {"TOCSIN_HOME": str(tmp_path), "TOCSIN_PORT": "eighty", "TOCSIN_BACKEND": "cloud", "TOCSIN_WORKERS": "0"}
    ended = tocsin("up", settings=wrong)
    assert ended.returncode == 2
    assert {"TOCSIN_PORT", "TOCSIN_BACKEND", "TOCSIN_WORKERS"} <= set(re.findall(r"TOCSIN_[A-Z]+", ended.stderr))
    assert "Traceback" not in ended.stderr


def test_the_environment_wins_over_the_file_and_an_empty_value_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".env").write_text("TOCSIN_PORT=1111\nTOCSIN_WORKERS=3\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TOCSIN_PORT", "2222")
    monkeypatch.setenv("TOCSIN_HOST", "")
    loaded = config.load()
    assert (loaded.port, loaded.workers, loaded.host) == (2222, 3, "127.0.0.1")


@pytest.mark.parametrize(
    ("backend", "said", "watches"),
    [("embedded", None, True), ("aws", None, False), ("aws", "1", True), ("embedded", "0", False)],
)
def test_rule_files_are_watched_on_the_embedded_backend_unless_told(
    backend: str, said: str | None, watches: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOCSIN_BACKEND", backend)
    monkeypatch.setenv("TOCSIN_RULES_WATCH", said or "")
    assert config.load().watches_rules is watches


def test_a_setting_out_of_range_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOCSIN_PORT", "70000")
    with pytest.raises(SettingsError, match="TOCSIN_PORT"):
        config.load()
