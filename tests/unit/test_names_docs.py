"""Every command, metric and key of a rule file that the code knows stands in the docs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path

import click
import pytest
from prometheus_client import REGISTRY

from service.cli import main
from service.decide import schema_json

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
METRIC = re.compile(r"\bimport (?:.*, )?(?:Counter|Gauge|Histogram)\b")


def _commands(command: click.Command, path: Sequence[str] = ()) -> Iterator[str]:
    """`tocsin rules check` and all others below this one."""
    if not isinstance(command, click.Group):
        yield " ".join(["tocsin", *path])
        return
    context = click.Context(command)
    for name in command.list_commands(context):
        known = command.get_command(context, name)
        assert known is not None
        yield from _commands(known, (*path, name))


def test_every_command_stands_in_the_table_and_no_other() -> None:
    named = re.findall(r"(?m)^\| `(tocsin [a-z -]+)` \|", (DOCS / "commands.md").read_text("utf-8"))
    assert sorted(named) == sorted(_commands(main))


def _metrics() -> Iterator[str]:
    """The names under which `/metrics` shows what the modules of the service count."""
    for path in (ROOT / "service").rglob("*.py"):
        text = path.read_text("utf-8")
        if "prometheus_client" in text and METRIC.search(text):
            import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
    for family in REGISTRY.collect():
        if family.name.startswith("tocsin_"):
            yield f"{family.name}_total" if family.type == "counter" else family.name


def test_every_metric_stands_in_the_docs() -> None:
    pages = "".join(page.read_text("utf-8") for page in DOCS.glob("*.md"))
    metrics = set(_metrics())
    assert len(metrics) >= 20
    assert {name for name in metrics if name not in pages} == set()


def _keys(schema: object) -> Iterator[str]:
    """The keys that a JSON Schema knows, at any depth."""
    match schema:
        case Mapping():
            properties = schema.get("properties")
            yield from properties if isinstance(properties, Mapping) else ()
            for inner in schema.values():
                yield from _keys(inner)
        case list():
            for inner in schema:
                yield from _keys(inner)


@pytest.mark.parametrize("key", sorted(set(_keys(schema_json.schema()))))
def test_every_key_of_a_rule_file_stands_in_the_docs(key: str) -> None:
    pages = (DOCS / "rules.md").read_text("utf-8") + (DOCS / "rule-tools.md").read_text("utf-8")
    assert re.search(rf"(?<![\w-]){key}:|`{key}`", pages)
