"""Paths into an event, checked where they stand."""

from __future__ import annotations

from collections.abc import Callable

from service.core import LiteralText, Placeholder, placeholders
from service.decide import Flaw, Place, RuleFaults, Scalar
from service.intake.events.patterns import ENVELOPE, PATH


def demand_path(path: str, at: Place, faults: RuleFaults) -> bool:
    """Whether this is a path into an event; reported if not."""
    if not PATH.fullmatch(path):
        faults.error(Flaw.SYNTAX, at, f'"{path}" is not a path into an event', "write detail.order.id")
        return False
    member = path.partition(".")[0]
    if member not in ENVELOPE:
        hint = faults.did_you_mean(member, ENVELOPE) or f"what a system says itself stands in detail: detail.{path}"
        faults.error(Flaw.UNKNOWN_FACT, at, f'an event has no member "{member}"', hint)
        return False
    return True


def demand_paths_within(written: Scalar, faults: RuleFaults) -> bool:
    """Whether every `{{ … }}` of a text is a path into an event; those that are not are reported."""
    place = written.places()
    sound = [_is_sound(part, place, faults) for part in placeholders.split(written.text)]
    return all(sound)  # every part is looked at, so that all faults are reported


def _is_sound(part: LiteralText | Placeholder, place: Callable[[int], Place], faults: RuleFaults) -> bool:
    match part:
        case Placeholder(name=path, name_at=at):
            return demand_path(path, place(at), faults)
        case LiteralText() if fault := placeholders.unpaired(part):
            message = f'"{fault.braces}" without its other half'
            faults.error(Flaw.SYNTAX, place(fault.at), message, "write {{ detail.order.id }}")
            return False
        case LiteralText():
            return True
