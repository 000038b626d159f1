"""The decisions in `docs/adr`: each has a number of its own, without a gap, and says it in its title."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
DECISIONS = sorted((ROOT / "docs" / "adr").glob("*.md"))
MENTION = re.compile(r"(?:\[(?:ADR|decision) (\d+)\]\()?(?:adr/)?(00\d\d)-[a-z0-9-]+\.md")


def test_each_decision_has_a_number_of_its_own() -> None:
    numbers = [int(path.name[:4]) for path in DECISIONS]
    assert len(numbers) > 20
    assert numbers == list(range(1, len(DECISIONS) + 1))


def test_the_title_of_a_decision_says_its_number() -> None:
    for path in DECISIONS:
        assert path.read_text().startswith(f"# {int(path.name[:4])}. "), path.name


def test_every_mention_of_a_decision_names_one_that_exists_by_its_number() -> None:
    names, folders = {path.name for path in DECISIONS}, (ROOT / "docs", ROOT / "service", ROOT / "deploy")
    texts = [path for folder in folders for path in folder.rglob("*") if path.suffix in {".md", ".py", ".yaml", ".yml"}]
    for path in (*texts, ROOT / "README.md", ROOT / "CHANGELOG.md"):
        for mention in MENTION.finditer(path.read_text()):
            name = mention.group().rpartition("/")[2].rpartition("(")[2]
            assert name in names, f"{path}: {mention.group()}"
            assert mention[1] in (None, str(int(mention[2]))), f"{path}: {mention.group()}"
