"""Paths into an event, checked where they stand."""

from __future__ import annotations

import re

from service.decide.faults import Faults
from service.decide.findings import Kind
from service.decide.positions import Scalar
from service.decide.ruleset import Place
from service.intake.events.patterns import ENVELOPE, PATH, SLOT

_LOOSE = re.compile(r"\{\{|\}\}")


def demand_path(path: str, at: Place, faults: Faults) -> bool:
    """Whether this is a path into an event; reported if not."""
    if not PATH.fullmatch(path):
        faults.error(Kind.SYNTAX, at, f'"{path}" is not a path into an event', "write detail.order.id")
        return False
    member = path.partition(".")[0]
    if member not in ENVELOPE:
        hint = faults.did_you_mean(member, ENVELOPE) or f"what a system says itself stands in detail: detail.{path}"
        faults.error(Kind.UNKNOWN_FACT, at, f'an event has no member "{member}"', hint)
        return False
    return True


def demand_paths_within(written: Scalar, faults: Faults) -> bool:
    """Whether every `{{ … }}` of a text is a path into an event; those that are not are reported."""
    sound, end = True, 0
    for slot in SLOT.finditer(written.text):
        sound &= _no_loose_brace(written, end, slot.start(), faults)
        sound &= demand_path(slot[1], written.place(slot.start(1)), faults)
        end = slot.end()
    return sound & _no_loose_brace(written, end, len(written.text), faults)


def _no_loose_brace(written: Scalar, start: int, end: int, faults: Faults) -> bool:
    loose = _LOOSE.search(written.text, start, end)
    if loose:
        message = f'"{loose.group()}" without its other half'
        faults.error(Kind.SYNTAX, written.place(loose.start()), message, "write {{ detail.order.id }}")
    return loose is None
