"""Versions that were published long ago decide today what they decided then."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

import pytest

from service.core import exact_json
from service.rulesets.library import fingerprint
from service.storage import Item
from tests.golden import record
from tests.golden.scene import Scene, scene

RECORDINGS = sorted(Path(__file__).parent.glob("*.json"))

SEEN = {
    "all-types": "ca4153f31f7b",
    "as-of": "8eb21bc6f884",
    "decision-table": "45b64101633d",
    "gas-leak": "7b05a6f840a1",
    "lead": "3ba320ebb2e4",
    "premium": "1c950f044fa8",
    "purchase": "abe7607170ee",
    "sentiment": "c7943faadd42",
}
"""The recordings that there are, with the first digits of their hashes: nobody changes one by accident."""


def document(path: Path) -> Mapping[str, object]:
    read = exact_json.loads(path.read_bytes())
    assert isinstance(read, dict)
    return read


def listed(document: Mapping[str, object], name: str) -> list[dict[str, object]]:
    found = document[name]
    assert isinstance(found, list)
    return found


def restored(here: Scene, found: Mapping[str, object]) -> None:
    items = (exact_json.stored(exact_json.dumps(one)) for one in listed(found, "items"))
    here.restore([Item(**one) for one in items if isinstance(one, dict)])


@pytest.mark.parametrize("path", RECORDINGS, ids=lambda path: path.stem)
def test_an_old_version_gives_the_recorded_decisions(path: Path, tmp_path: Path) -> None:
    found = document(path)
    with scene(tmp_path) as here:
        restored(here, found)
        for case in listed(found, "cases"):
            body = case["body"]
            assert isinstance(body, dict)
            reply = here.ask(str(found["ruleset"]), body)
            assert exact_json.canonical(record.said(reply)) == exact_json.canonical(
                {"status": case["status"], "answer": case["answer"]}
            ), body


@pytest.mark.parametrize("path", RECORDINGS, ids=lambda path: path.stem)
def test_an_old_version_is_read_letter_by_letter_and_would_be_published_again(path: Path, tmp_path: Path) -> None:
    found = document(path)
    name, contents = str(found["ruleset"]), found["contents"]
    assert isinstance(contents, list)
    with scene(tmp_path) as here:
        restored(here, found)
        for number, content in enumerate(contents, start=1):
            shown = here.client.get(f"/v1/rulesets/{name}/versions/{number}").json()
            assert (shown["source"], shown["sha256"]) == (content, fingerprint(content))
            assert here.client.call("POST", f"/v1/rulesets/{name}/check", body=content).json()["ok"] is True


def test_recordings_are_added_and_never_changed(capsys: pytest.CaptureFixture[str]) -> None:
    assert {path.stem: hashlib.sha256(path.read_bytes()).hexdigest()[:12] for path in RECORDINGS} == SEEN
    assert record.main(["premium", "any.json", "any.yaml"]) == 1
    assert "what was recorded stays" in capsys.readouterr().out
