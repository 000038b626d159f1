"""A rule file that was overtaken by another way of publishing: it is shown, pulled, or published over it on purpose."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from service.cli import main
from service.config import load
from service.rulesets.library import RulesetDraft
from service.wiring.app import Service

FILE = """\
# Fees for everybody.
ruleset: fees
facts:
  age: {type: integer}
  fee: {type: decimal, scale: 2}
table: fees.csv
tests:
  - {given: {age: 18, fee: 3}, expect: {fired: [Young]}}
"""
TABLE = "\ufeffrule,age,fee\r\n,in,out:set\r\nYoung,< 21,1.00\r\n"


@dataclass
class Installation:
    """A data folder, its rules folder, and the commands that an administrator runs."""

    settings: Mapping[str, str]
    rules: Path
    service: Service

    def run(self, *arguments: str) -> Result:
        return CliRunner().invoke(main, arguments, env=dict(self.settings))

    def sweep(self) -> None:
        for _ in range(2):
            self.service.working_copies.sweep()

    def active(self) -> tuple[int, str]:
        version = self.service.library.active("fees", self.service.clock.now())
        return version.number, self.service.library.source(version)

    def publish_by_http(self, fee: str) -> None:
        """What an app publishes: the text that was active, with another fee."""
        self.service.library.publish(RulesetDraft("fees", self.active()[1].replace("1.00", fee), "an app"))


@pytest.fixture
def installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Installation:
    rules = tmp_path / "rules"
    rules.mkdir()
    settings = {"TOCSIN_HOME": str(tmp_path / "var"), "TOCSIN_RULES_DIR": str(rules)}
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    (rules / "fees.yaml").write_text(FILE)
    (rules / "fees.csv").write_bytes(TABLE.encode())
    installed = Installation(settings, rules, Service(load()))
    installed.sweep()
    assert installed.active()[0] == 1
    installed.publish_by_http("2.00")
    return installed


def test_history_and_doctor_say_that_another_version_is_active_than_the_files(installation: Installation) -> None:
    for said in (installation.run("rules", "history", "fees").stdout, installation.run("doctor").stdout):
        assert "fees.yaml is version 1, but version 2 is active, published by an app" in said
        assert "tocsin rules pull fees" in said
        assert f"tocsin rules publish --over 2 {installation.rules / 'fees.yaml'}" in said
    document = json.loads(installation.run("rules", "history", "fees", "--json").stdout)
    assert document["working_copies"][0]["findings"][0]["kind"] == "drift"


def test_pull_writes_the_active_text_to_the_file_and_its_table_as_excel_wrote_it(installation: Installation) -> None:
    done = installation.run("rules", "pull", "fees")
    assert done.exit_code == 0, done.output
    assert (installation.rules / "fees.csv").read_bytes() == TABLE.replace("1.00", "2.00").encode()
    assert (installation.rules / "fees.yaml").read_text() == FILE
    installation.sweep()
    assert installation.active()[0] == 2
    assert not installation.service.working_copies.seen()[0].findings
    (installation.rules / "fees.csv").write_text(TABLE.replace("1.00", "3.00"))
    installation.sweep()
    assert installation.active()[0] == 3


def test_pull_keeps_an_edit_that_was_never_published(installation: Installation) -> None:
    (installation.rules / "fees.csv").write_text(TABLE.replace("1.00", "9.00"))
    installation.sweep()
    assert installation.active()[0] == 2
    done = installation.run("rules", "pull", "fees")
    assert "fees.csv.edit-1 keeps an edit" in done.stdout
    assert "9.00" in (installation.rules / "fees.csv.edit-1").read_text()
    installation.sweep()
    assert installation.active()[0] == 2


def test_pull_writes_a_file_that_is_not_there(installation: Installation) -> None:
    (installation.rules / "fees.yaml").unlink()
    (installation.rules / "fees.csv").unlink()
    assert installation.run("rules", "pull", "fees").exit_code == 0
    assert (installation.rules / "fees.yaml").read_text() == installation.active()[1]


def test_pull_says_what_is_in_its_way(installation: Installation) -> None:
    (installation.rules / "other.yaml").write_text(FILE)
    done = installation.run("rules", "pull", "fees")
    assert (done.exit_code, "fees.yaml, other.yaml" in done.output) == (1, True)
    assert "no ruleset 'nope'" in installation.run("rules", "pull", "nope").output


def test_publishing_over_another_version_must_be_said(installation: Installation) -> None:
    file = str(installation.rules / "fees.yaml")
    (installation.rules / "fees.csv").write_text(TABLE.replace("1.00", "3.00"))
    refused = installation.run("rules", "publish", file)
    assert refused.exit_code == 1
    assert "made from version 1, but version 2 is active" in refused.output
    assert (
        "version 1 of fees is not active: version 2" in installation.run("rules", "publish", "--over", "1", file).output
    )
    assert installation.run("rules", "publish", "--over", "2", file).exit_code == 0
    assert installation.active()[0] == 3
    (installation.rules / "fees.csv").write_text(TABLE.replace("1.00", "4.00"))
    assert installation.run("rules", "publish", file).exit_code == 0
    installation.sweep()
    assert (installation.active()[0], list(installation.service.working_copies.seen()[0].findings)) == (4, [])
