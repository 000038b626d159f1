"""Texts that read facts: `"Valve {{ sensor.id }} is leaking"`."""

from __future__ import annotations

import re

from service.decide import entries
from service.decide.faults import Faults
from service.decide.findings import Kind
from service.decide.positions import Node, Scalar
from service.decide.ruleset import FactPath, Text
from service.decide.schema import Schema

_SLOT = re.compile(r"\{\{\s*([^{}]*?)\s*\}\}")
_LOOSE = re.compile(r"\{\{|\}\}")


def read(node: Node, what: str, schema: Schema, faults: Faults) -> Text | None:
    """The text of `node`, each `{{ path }}` a declared fact; None (reported) otherwise."""
    scalar = entries.text(node, what, faults)
    return None if scalar is None else of(scalar, schema, faults)


def of(scalar: Scalar, schema: Schema, faults: Faults) -> Text | None:
    """The literal parts and facts of a scalar's text in turn."""
    parts: list[str | FactPath] = []
    sound, end = True, 0
    for slot in _SLOT.finditer(scalar.text):
        sound &= _is_literal(scalar, end, slot.start(), faults)
        fact = schema.find(slot[1], scalar.place(slot.start(1)), faults)
        sound &= fact is not None
        parts += [scalar.text[end : slot.start()], FactPath(slot[1])]
        end = slot.end()
    sound &= _is_literal(scalar, end, len(scalar.text), faults)
    parts.append(scalar.text[end:])
    return Text(tuple(part for part in parts if part != "")) if sound else None


def has_slots(text: str) -> bool:
    """Whether the text reads facts, or tries to."""
    return _LOOSE.search(text) is not None


def _is_literal(scalar: Scalar, start: int, end: int, faults: Faults) -> bool:
    loose = _LOOSE.search(scalar.text, start, end)
    if loose:
        message = f'"{loose.group()}" without its other half'
        faults.error(Kind.SYNTAX, scalar.place(loose.start()), message, "write {{ driver.name }}")
    return loose is None
