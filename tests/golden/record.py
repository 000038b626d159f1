"""`python -m tests.golden.record NAME REQUESTS.json FILE.yaml…` adds NAME.json: the versions in the order of the files.

REQUESTS.json is a list of evaluation bodies. What is there already is never overwritten: an old decision is a fact.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path

from service.core import exact_json
from service.decide import language
from service.rulesets import rule_file
from tests.functional.client import Reply
from tests.golden.scene import ASKED, BEGAN, Scene, scene

FOLDER = Path(__file__).parent


def main(arguments: Sequence[str]) -> int:
    """Record; 1 if there is such a recording already, 2 for wrong usage."""
    if len(arguments) < 3:
        print(__doc__)  # noqa: T201  (a command)
        return 2
    name, requests, *files = arguments
    target = FOLDER / f"{name}.json"
    if target.exists():
        print(f"{target} exists: what was recorded stays; choose another name")  # noqa: T201  (likewise)
        return 1
    bodies = exact_json.loads(Path(requests).read_bytes())
    assert isinstance(bodies, list), "a list of evaluation bodies"
    with tempfile.TemporaryDirectory() as home, scene(Path(home)) as here:
        document = recording(here, bodies, [rule_file.read(Path(file)).content.decode() for file in files])
    lines = ",\n".join(f'"{key}":{exact_json.dumps(value)}' for key, value in document.items())
    target.write_text(f"{{\n{lines}\n}}\n")
    return 0


def recording(here: Scene, bodies: Sequence[Mapping[str, object]], contents: Sequence[str]) -> Mapping[str, object]:
    """Publish the contents, ask the requests, and write down what was stored and answered."""
    ruleset = ""
    for number, content in enumerate(contents):
        here.clock.advance(BEGAN + number * timedelta(days=1) - here.clock.now())
        ruleset = name_in(content)
        published = here.client.call(
            "POST", f"/v1/rulesets/{ruleset}/versions", body=content, headers={"If-Match": "*"}
        )
        assert published.status == 201, published.text
    here.clock.advance(ASKED - here.clock.now())
    cases = [{"body": body, **said(here.ask(ruleset, body))} for body in bodies]
    items = [{"id": one.id, "kind": one.kind, "state": one.state, "keys": one.keys} for one in here.items(ruleset)]
    return {"ruleset": ruleset, "contents": contents, "items": items, "cases": cases}


def name_in(content: str) -> str:
    """The ruleset that a file declares."""
    declared = language.parse(content).ruleset
    assert declared is not None, "a file without errors"
    return declared.name


def said(reply: Reply) -> Mapping[str, object]:
    """The part of an answer that is the decision."""
    answer = reply.json()
    members = ("ruleset", "fired", "result", "outcomes", "errors")
    return {"status": reply.status, "answer": {member: answer[member] for member in members if member in answer}}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
