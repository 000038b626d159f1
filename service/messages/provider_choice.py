"""Which of several providers takes a message, and who comes next if it will not. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b

from service.channels import Reference

_SPAN = 1 << 64


@dataclass(frozen=True, slots=True)
class ProviderCandidate:
    """A provider as it stands. `weight` is what operators give it: 0 for one that only stands in for others.

    `health` is the share of its recent calls that went well, over 0 and at most 1. One that `rests` gets no traffic.
    """

    name: str
    weight: float
    health: float
    rests: bool = False


def choose(candidates: Sequence[ProviderCandidate], chance: float) -> Sequence[str]:
    """The providers to try, in order, `chance` being in [0, 1).

    The first is drawn in proportion to weight times health, so that a failing one gets less, but enough to notice
    when it recovers. The others follow, best first; those of weight 0 stand behind all that have one.
    """
    awake = [candidate for candidate in candidates if not candidate.rests]
    regulars = [candidate for candidate in awake if candidate.weight > 0]
    reserves = [candidate for candidate in awake if candidate.weight <= 0]
    behind = sorted(reserves, key=lambda candidate: -candidate.health)
    if not regulars:
        return [candidate.name for candidate in behind]
    first = _drawn(regulars, chance)
    others = sorted((other for other in regulars if other is not first), key=lambda other: -_share(other))
    return [candidate.name for candidate in (first, *others, *behind)]


def chance_of(reference: Reference) -> float:
    """A number in [0, 1) that is the same whenever this attempt is looked at, and another at the next attempt.

    So the provider for whose rate a message waits is the one that then takes it.
    """
    digest = blake2b(f"{reference.delivery_id}.{reference.attempt}".encode(), digest_size=8).digest()
    return (int.from_bytes(digest) >> 11) / (_SPAN >> 11)


def _drawn(candidates: Sequence[ProviderCandidate], chance: float) -> ProviderCandidate:
    left = chance * sum(map(_share, candidates))
    for candidate in candidates:
        left -= _share(candidate)
        if left < 0:
            return candidate
    return candidates[-1]  # rounding


def _share(candidate: ProviderCandidate) -> float:
    return candidate.weight * candidate.health
