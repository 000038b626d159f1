"""Texts that read facts: `"Valve {{ sensor.id }} is leaking"`."""

from __future__ import annotations

from collections.abc import Callable

from service.core import LiteralText, Placeholder, placeholders
from service.decide import entries
from service.decide.errors import RuleFaults
from service.decide.findings import Flaw
from service.decide.positions import Node, Scalar
from service.decide.ruleset import FactPath, Place, Text
from service.decide.schema import Schema


def read(node: Node, what: str, schema: Schema, faults: RuleFaults) -> Text | None:
    """The text of `node`, each `{{ path }}` a declared fact; None (reported) otherwise."""
    scalar = entries.text(node, what, faults)
    return None if scalar is None else of(scalar, schema, faults)


def of(scalar: Scalar, schema: Schema, faults: RuleFaults) -> Text | None:
    """The literal parts and facts of a scalar's text in turn."""
    place = scalar.places()
    parts = [_part(part, place, schema, faults) for part in placeholders.split(scalar.text)]
    sound = tuple(part for part in parts if part is not None)
    return Text(sound) if len(sound) == len(parts) else None


def _part(
    part: LiteralText | Placeholder, place: Callable[[int], Place], schema: Schema, faults: RuleFaults
) -> str | FactPath | None:
    match part:
        case Placeholder(name=path, name_at=at):
            known = schema.find(path, place(at), faults)
            return None if known is None else FactPath(path)
        case LiteralText() if fault := placeholders.unpaired(part):
            message = f'"{fault.braces}" without its other half'
            faults.error(Flaw.SYNTAX, place(fault.at), message, "write {{ driver.name }}")
            return None
        case LiteralText(text=text):
            return text
