"""Which texts of machines a person reads before they are sent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from service.core import Lane

Reviewed = Literal["off", "bulk", "all"]

MACHINE = "machine:"
"""How the provenance of a machine's text begins; its engine and version follow."""

EMBEDDED = f"{MACHINE}fxtranslate@"
"""The small models on this machine: fluent, and wrong more often than a provider's."""


@dataclass(frozen=True, slots=True)
class MachineReview:
    """Decides whether a machine's text waits; `setting` is TOCSIN_REVIEW_MACHINE, None where it is not set."""

    setting: Reviewed | None = None

    def holds(self, provenance: str, lane: Lane) -> bool:
        """Whether a text of this provenance waits in a lane; what goes out in the incident lane never does."""
        if not provenance.startswith(MACHINE) or lane is Lane.INCIDENT:
            return False
        chosen = self.setting or ("bulk" if provenance.startswith(EMBEDDED) else "off")
        return chosen == "all" or (chosen == "bulk" and lane is Lane.BULK)
