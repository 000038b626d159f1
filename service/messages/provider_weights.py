"""How providers share the traffic of a channel, as operators write it: `aws-sms=3, twilio-sms=1`."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from service.core import TocsinError

_FORM = re.compile(r"([a-z-]+)\s*=\s*(\d{1,6}(?:\.\d{1,6})?)")


class WeightsRefused(TocsinError):
    """TOCSIN_PROVIDERS cannot be used; says why."""


def parse_weights(setting: str, known: Collection[str]) -> Mapping[str, float]:
    """The weight of each provider that TOCSIN_PROVIDERS names; `WeightsRefused`."""
    weights: dict[str, float] = {}
    for part in filter(None, (part.strip() for part in setting.split(","))):
        match = _FORM.fullmatch(part)
        if match is None:
            raise WeightsRefused(f"{part!r} has no weight: write it like aws-sms=3 (0: only where no other can)")
        name, weight = match.groups()
        if name not in known:
            from service.decide import did_you_mean  # only a misspelled setting needs the room of rules

            hint = did_you_mean(name, known) or f"there are {', '.join(known)}"
            raise WeightsRefused(f"{name!r} is not a provider: {hint}")
        if name in weights:
            raise WeightsRefused(f"names {name!r} twice: keep one of them")
        weights[name] = float(weight)
    return weights
