"""`tocsin rules` and `tocsin demo`, as an administrator runs them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from service.cli import main
from tests.functional.client import ROOT, Running, tocsin

FILE = """ruleset: fees
facts: {fee: {type: decimal, scale: 2}}
rules: [{name: Raise, when: fee > 0, then: [{set: fee, to: 1.00}]}]
tests: [{given: {fee: 5}, expect: {fired: [Raise], fee: 1.00}}]
"""
SAMPLE = {
    "context": {"request_id": "REQ-99999"},
    "request": {
        "driver": {"age": "22", "name": "Brian"},
        "car": {"make": "honda", "style": "SPORTS", "color": "RED"},
        "policy": {"id": "1231231", "premium": "300"},
    },
}


@pytest.fixture
def settings(tmp_path: Path) -> dict[str, str]:
    return {"TOCSIN_HOME": str(tmp_path / "home")}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "fees.yaml"
    path.write_text(FILE)
    return path


def run(*arguments: str, settings: Mapping[str, str]) -> Result:
    """A command in this process, which is faster."""
    return CliRunner().invoke(main, arguments, env=dict(settings))


def broken(file: Path) -> Path:
    file.write_text(FILE.replace("fee > 0", "fe > 0").replace("{set:", "{sett:"))
    return file


def test_every_shipped_rule_file_passes(settings: dict[str, str]) -> None:
    files = [str(path) for path in sorted((ROOT / "rules").glob("*.yaml"))]
    assert len(files) >= 5
    done = tocsin("rules", "check", *files, settings=settings)
    assert (done.returncode, done.stdout.count(" 0 errors")) == (0, len(files)), done.stdout


def test_the_ancestors_gap_at_age_21_is_a_warning_with_a_request_that_shows_it(settings: dict[str, str]) -> None:
    done = run("rules", "check", "rules/premium.yaml", "--json", settings=settings)
    (finding,) = json.loads(done.stdout)["files"][0]["findings"]
    assert (done.exit_code, finding["severity"], finding["kind"]) == (0, "warning", "gap")
    example = finding["example"]
    assert example["driver"]["age"] == 21
    shown = run("rules", "explain", "rules/premium.yaml", "--request", json.dumps(example), settings=settings)
    assert "fired: nothing" in shown.stdout
    as_text = run("rules", "check", "rules/premium.yaml", settings=settings).stdout
    assert "0 errors, 1 warning\n" in as_text
    assert "rules/premium.yaml:11:15: warning:" in as_text


def test_a_broken_file_shows_every_mistake_with_its_place_and_a_caret(file: Path, settings: dict[str, str]) -> None:
    done = run("rules", "check", str(broken(file)), settings=settings)
    assert done.exit_code == 1
    assert f"{file}:3:29: error:" in done.stdout
    assert 'did you mean "fee"?' in done.stdout
    assert "^" in done.stdout
    assert "2 errors, 0 warnings" in done.stdout


def test_a_check_as_json_is_one_document_for_all_files(file: Path, settings: dict[str, str]) -> None:
    done = run("rules", "check", "rules/purchase.yaml", str(broken(file)), "--json", settings=settings)
    assert done.exit_code == 1
    good, bad = json.loads(done.stdout)["files"]
    assert (good["file"], good["ok"]) == ("rules/purchase.yaml", True)
    assert (bad["ok"], [finding["kind"] for finding in bad["findings"]]) == (False, ["unknown_fact", "unknown_verb"])
    assert bad["findings"][0].keys() >= {"severity", "kind", "rule", "line", "column", "message", "hint"}


def test_an_escalation_policy_is_checked_as_one(tmp_path: Path, settings: dict[str, str]) -> None:
    policy = tmp_path / "night.yaml"
    policy.write_text("escalation: night\nlevels:\n  - {contacts: [1], wait: 40, messages: {page: incident-pag}}\n")
    done = run("rules", "check", str(policy), "rules/escalation/default.yaml", "--json", settings=settings)
    ours, shipped = json.loads(done.stdout)["files"]
    places = [(one["line"], one["column"]) for one in ours["findings"]]
    assert (done.exit_code, places, shipped["ok"]) == (1, [(3, 27), (3, 48)], True)
    assert "incident-page" in ours["findings"][1]["hint"]


def test_a_failing_test_of_the_file_is_an_error(file: Path, settings: dict[str, str]) -> None:
    file.write_text(FILE.replace("fee: 1.00}}", "fee: 2.00}}"))
    done = run("rules", "check", str(file), "--json", settings=settings)
    (finding,) = json.loads(done.stdout)["files"][0]["findings"]
    assert (done.exit_code, finding["kind"], finding["line"]) == (1, "test_failed", 4)
    assert finding["example"] == {"fee": 5}
    assert run("rules", "test", str(file), settings=settings).exit_code == 1


@pytest.mark.parametrize("arguments", [["check"], ["check", "nowhere.yaml"], ["explain", "rules/premium.yaml"]])
def test_wrong_usage_ends_with_2(arguments: list[str], settings: dict[str, str]) -> None:
    assert run("rules", *arguments, settings=settings).exit_code == 2


def test_an_explanation_says_why_and_why_not(tmp_path: Path, settings: dict[str, str]) -> None:
    request = tmp_path / "request.json"
    request.write_text(json.dumps(SAMPLE))
    done = run("rules", "explain", "rules/premium.yaml", "--request", f"@{request}", settings=settings)
    assert done.exit_code == 0
    assert "driver.age is 22, so driver.age < 21 does not hold" in done.stdout
    assert "fired: Med Risk" in done.stdout
    bare = json.dumps(SAMPLE["request"])
    as_json = run("rules", "explain", "rules/premium.yaml", "--request", bare, "--json", settings=settings)
    assert json.loads(as_json.stdout)["result"]["policy"]["premium"] == "330.00"


def test_a_request_that_does_not_fit_is_explained_by_path(settings: dict[str, str]) -> None:
    done = run("rules", "explain", "rules/premium.yaml", "--request", '{"driver":{"age":"x"}}', settings=settings)
    assert done.exit_code == 1
    assert "driver.age:" in done.stderr
    assert "car.style:" in done.stderr
    assert run("rules", "explain", "rules/premium.yaml", "--request", "{", settings=settings).exit_code == 2


def test_publishing_listing_and_rolling_back(file: Path, settings: dict[str, str]) -> None:
    first = run("rules", "publish", str(file), "--comment", "the beginning", "--json", settings=settings)
    assert (first.exit_code, json.loads(first.stdout)["version"]) == (0, 1), first.stderr
    file.write_text(FILE.replace("1.00", "2.00"))
    assert "version 2 is active" in run("rules", "publish", str(file), settings=settings).stdout
    assert run("rules", "activate", "fees", "1", settings=settings).exit_code == 0
    listed = json.loads(run("rules", "history", "fees", "--json", settings=settings).stdout)
    assert [(one["version"], one["active"], one["comment"]) for one in listed["versions"]] == [
        (2, False, ""),
        (1, True, "the beginning"),
    ]
    assert [one["version"] for one in listed["activations"]] == [1, 2, 1]
    unknown = run("rules", "activate", "fees", "7", settings=settings)
    assert (unknown.exit_code, "1 to 2" in unknown.stderr) == (1, True)


def test_a_broken_file_is_not_published(file: Path, settings: dict[str, str]) -> None:
    done = run("rules", "publish", str(broken(file)), settings=settings)
    assert (done.exit_code, ":3:29:" in done.stderr) == (1, True)
    assert run("rules", "history", "fees", settings=settings).exit_code == 1


def test_publishing_over_somebody_elses_change_can_be_refused(file: Path, settings: dict[str, str]) -> None:
    run("rules", "publish", str(file), settings=settings)
    file.write_text(FILE.replace("1.00", "2.00"))
    done = run("rules", "publish", str(file), "--expect", "0" * 64, settings=settings)
    assert (done.exit_code, "has changed since you read it" in done.stderr) == (1, True)


def test_the_demo_ends_as_it_should_against_a_running_server(server: Running) -> None:
    done = server.tocsin("demo", "--url", server.url, "--only", "premium")
    assert (done.returncode, done.stdout.count("✓")) == (0, 10), done.stdout + done.stderr
    assert "360.00" in done.stdout


def test_the_demo_says_what_is_wrong_and_ends_with_1(server: Running) -> None:
    wrong_key = server.tocsin("demo", "--url", server.url, "--key", "nobody", "--only", "premium")
    assert (wrong_key.returncode, "✗ answered: 401 (should be 200)" in wrong_key.stdout) == (1, True)
    nowhere = server.tocsin("demo", "--url", "http://127.0.0.1:9", "--key", "k")
    assert (nowhere.returncode, "does not answer" in nowhere.stderr) == (1, True)


@pytest.mark.long
def test_the_demo_can_bring_its_own_instance(settings: dict[str, str]) -> None:
    done = tocsin("demo", "--only", "premium", settings=settings)
    assert (done.returncode, "Everything ended as it should." in done.stdout) == (0, True), done.stdout + done.stderr
