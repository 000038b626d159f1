"""Several providers for one channel: one is chosen by weight and health, and the next takes what it does not take."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from msgspec import structs

from service.channels import Message, Outcome, Reason, Refused, SendResult
from service.core import Clock
from service.messages.provider_choice import ProviderCandidate, chance_of, choose
from service.messages.providers import SHORTLY, Provider
from service.messages.senders import Sender
from service.work import Breakers, BreakerView

M = TypeVar("M", bound=Message)


@dataclass(frozen=True, slots=True)
class Route:
    """From where a message is going to leave, and when at the earliest.

    `pace` is the share of its rate at which the provider takes messages now, `most_per_second` what the account grants.
    """

    sender: Sender | None = None
    opens: datetime | None = None
    pace: float = 1.0
    most_per_second: float | None = None


class Failover(Generic[M]):
    """A carrier of one or several providers.

    A message that was refused for now goes to the next provider at once, if one of its identities can carry it. One
    that may have been taken does not: it would arrive twice. `weights` (1 where none is given) divide the traffic.
    """

    is_our_store = False

    def __init__(
        self, providers: Sequence[Provider[M]], breakers: Breakers, clock: Clock, weights: Mapping[str, float]
    ) -> None:
        self._providers: Mapping[str, Provider[M]] = {provider.name: provider for provider in providers}
        self._accounts = tuple(account for provider in providers for account in provider.accounts)
        self._breakers = breakers
        self._clock = clock
        self._weights = weights

    @property
    def name(self) -> str:
        """All its providers."""
        return "+".join(self._providers)

    def joins(self, message: M, earlier: Sequence[M], /) -> bool:
        """Whether a message costs no call of its own after `earlier` ones, with the provider that has most weight.

        With another one it does: then as many leave as there is time for.
        """
        if not earlier:
            return False
        first = max(self._providers.values(), key=lambda provider: self._weight(provider.name))
        return first.joins(message, earlier[-1])

    def route_chooser(self) -> Callable[[M], Route]:
        """A function that chooses where a message leaves, as things stand now."""
        look = self._breakers.look(self._accounts)

        def of(message: M) -> Route:
            ((_, order),) = self._orders([message], look)
            if order:
                provider = self._providers[order[0]]
                pace = look.pace(provider.account_of(message))
                sender = provider.identities.of_message(message)
                return Route(sender=sender, pace=pace, most_per_second=provider.most_per_second())
            return Route(opens=self._opens(message, look))

        return of

    def hand_over(self, messages: Sequence[M], begin_by: datetime, /) -> Sequence[SendResult]:
        """Send messages; what became of each, in order. No call is begun after `begin_by`."""
        if not messages:
            return []
        look = self._breakers.look(self._accounts)
        trials = [_Trial(message, list(order)) for message, order in self._orders(messages, look)]
        for name, group in _by_next(trials).items():
            self._try(self._providers[name], group, look, begin_by)
        while left := [trial for trial in trials if trial.goes_on]:
            name, group = next(iter(_by_next(left).items()))
            self._try(self._providers[name], group, look, begin_by)
        return [SendResult(trial.outcome or self._refusal(trial.message, look)) for trial in trials]

    def _try(self, provider: Provider[M], trials: Sequence[_Trial[M]], look: BreakerView, begin_by: datetime) -> None:
        addressed = [provider.identities.addressed(trial.message) for trial in trials]
        leaving = [message for message in addressed if not isinstance(message, Refused)]
        outcomes = iter(provider.hand_over(leaving, look, lambda: self._clock.now() < begin_by))
        for trial, message in zip(trials, addressed, strict=True):
            trial.heard(message if isinstance(message, Refused) else next(outcomes))

    def _orders(self, messages: Sequence[M], look: BreakerView) -> Sequence[tuple[M, Sequence[str]]]:
        """For each message the providers that can carry it, as they are to be tried."""
        return [
            (message, self._order(message, chance, look))
            for message, chance in zip(messages, self._chances(messages), strict=True)
        ]

    def _order(self, message: M, chance: float, look: BreakerView) -> Sequence[str]:
        """An urgent message probes a provider before its rest is over only where no other takes it."""
        order = choose(self._candidates(message, look, urgent=False), chance)
        return order or (choose(self._candidates(message, look, urgent=True), chance) if _is_urgent(message) else order)

    def _candidates(self, message: M, look: BreakerView, *, urgent: bool) -> Sequence[ProviderCandidate]:
        return [
            self._candidate(name, provider.account_of(message), look, urgent=urgent)
            for name, provider in self._providers.items()
            if self._carries(name, message)
        ]

    def _candidate(self, name: str, account: str, look: BreakerView, *, urgent: bool) -> ProviderCandidate:
        rests = look.rests_until(account, urgent=urgent) is not None
        return ProviderCandidate(name, self._weight(name), look.health(account), rests)

    def _weight(self, name: str) -> float:
        return self._weights.get(name, 1.0)

    def _carries(self, name: str, message: M) -> bool:
        return not isinstance(self._providers[name].identities.addressed(message), Refused)

    def _chances(self, messages: Sequence[M]) -> Sequence[float]:
        """Each message draws for itself, except that messages which fit one call draw together."""
        chances = [chance_of(message.reference) for message in messages]
        together = any(provider.takes_several for provider in self._providers.values())
        return [chances[0]] * len(chances) if together and chances else chances

    def _opens(self, message: M, look: BreakerView) -> datetime | None:
        """When the first provider that could carry the message stops resting; None if none of them could."""
        carrying = (provider for name, provider in self._providers.items() if self._carries(name, message))
        urgent = _is_urgent(message)
        rests = (look.rests_until(provider.account_of(message), urgent=urgent) for provider in carrying)
        return min((until for until in rests if until is not None), default=None)

    def _refusal(self, message: M, look: BreakerView) -> Refused:
        """Why nobody was asked."""
        if (opens := self._opens(message, look)) is not None:
            wait = max(opens - self._clock.now(), SHORTLY)
            return Refused(Reason.THROTTLED, f"{self.name} is left alone for now", wait, untried=True)
        addressed = [provider.identities.addressed(message) for provider in self._providers.values()]
        return next(refused for refused in addressed if isinstance(refused, Refused))


class _Trial(Generic[M]):
    """One message on its way from provider to provider."""

    def __init__(self, message: M, order: list[str]) -> None:
        self.message: M = message
        self.order = order
        self.outcome: Outcome | None = None

    @property
    def goes_on(self) -> bool:
        """Whether another provider may take it: nobody can have taken it, and it may yet be taken."""
        refused_for_now = isinstance(self.outcome, Refused) and not self.outcome.permanent
        return bool(self.order) and (self.outcome is None or refused_for_now)

    def heard(self, outcome: Outcome) -> None:
        """Keep what became of it."""
        self.order = self.order[1:]
        self.outcome = _soonest(self.outcome, outcome) if isinstance(self.outcome, Refused) else outcome


def _is_urgent(message: M) -> bool:
    return message.reference.urgent


def _soonest(first: Refused, other: Outcome) -> Outcome:
    """The outcome of two: of two temporary refusals the one that may be over sooner.

    That another provider does not serve a country is no last word while the first may still do it.
    """
    if not isinstance(other, Refused) or (other.permanent and other.reason is not Reason.BLOCKED):
        return other
    if other.untried and not first.untried:
        return first
    sooner = first if other.permanent else min(first, other, key=lambda refused: refused.retry_after)
    return structs.replace(sooner, untried=first.untried and other.untried)


def _by_next(trials: Sequence[_Trial[M]]) -> Mapping[str, Sequence[_Trial[M]]]:
    groups: dict[str, list[_Trial[M]]] = {}
    for trial in trials:
        if trial.order:
            groups.setdefault(trial.order[0], []).append(trial)
    return groups


RouteChooser = Callable[[], Callable[[M], Route]]
"""How a channel is asked from where its messages are going to leave: once at a time, then for each."""
