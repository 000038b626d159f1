"""One provider over the network: left alone while its breaker is open, its sends counted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Generic, Protocol, TypeVar

from msgspec import structs
from prometheus_client import Counter

from service.channels import Accepted, Email, Outcome, Reason, Refused, Sms, Unknown, VoiceCall
from service.channels.carrier import OneByOne, Together
from service.messages.senders import Sender
from service.work.breaker import Go, Wait
from service.work.breakers import PROBED_WITHIN, Look

M = TypeVar("M", Sms, Email, VoiceCall)

SHORTLY = timedelta(seconds=1)
"""How long a message waits that nobody was asked to take."""

BEHIND = timedelta(seconds=1)
"""How much later than those that wait for the end of a rest a failed probe comes back."""

SENDS = Counter(
    "tocsin_sends",
    "Messages handed to a provider, by what it said: accepted, unknown, or why it refused.",
    ("provider", "outcome"),
)


class Identities(Protocol[M]):
    """From where a provider's messages leave; `Senders` for SMS and calls."""

    def addressed(self, message: M, /) -> M | Refused:
        """The message as it leaves; refused where no identity will do."""

    def of_message(self, message: M, /) -> Sender | None:
        """The identity that the message would leave from, where it is a listed one."""


class OneAddress:
    """All mail leaves from one address."""

    def addressed(self, message: Email, /) -> Email:
        """The message as it is."""
        return message

    def of_message(self, _message: Email, /) -> None:
        """Nobody that is listed."""


class Provider(Generic[M]):
    """A way out by the network."""

    def __init__(
        self, name: str, channel: OneByOne[M], identities: Identities[M], together: Together[M] | None = None
    ) -> None:
        self.name = name
        self.identities: Identities[M] = identities
        self._channel: OneByOne[M] = channel
        self._together: Together[M] | None = together

    @property
    def takes_several(self) -> bool:
        """Whether messages of one content can ride in one call."""
        return self._together is not None

    def joins(self, message: M, earlier: M) -> bool:
        """Whether a message costs no call of its own when it follows `earlier`."""
        return self._together is not None and self._together.alike(earlier, message)

    def hand_over(self, messages: Sequence[M], look: Look, in_time: Callable[[], bool]) -> Sequence[Outcome]:
        """Send one after the other, neighbours that are alike together; what there is no time for stays untried."""
        return [outcome for batch in self._batches(messages) for outcome in self._send(batch, look, in_time)]

    def _batches(self, messages: Sequence[M]) -> Sequence[Sequence[M]]:
        batches: list[list[M]] = []
        for message in messages:
            if batches and self.joins(message, batches[-1][-1]):
                batches[-1].append(message)
            else:
                batches.append([message])
        return batches

    def _send(self, batch: Sequence[M], look: Look, in_time: Callable[[], bool]) -> Sequence[Outcome]:
        if not in_time():
            too_late = Refused(Reason.THROTTLED, "other messages took the time there was", SHORTLY, untried=True)
            return [too_late] * len(batch)
        permit = look.admit(self.name)
        if isinstance(permit, Wait):
            refused = Refused(Reason.THROTTLED, f"{self.name} is left alone for now", PROBED_WITHIN, untried=True)
            return [refused] * len(batch)
        outcomes = self._outcomes(batch)
        for outcome in outcomes:
            SENDS.labels(self.name, _said(outcome)).inc()
        self._report(permit, outcomes, look)
        return [self._behind_others(outcome, look) for outcome in outcomes] if permit.probe else outcomes

    def _behind_others(self, outcome: Outcome, look: Look) -> Outcome:
        """A probe that failed comes back after all that wait: in a long outage nobody's attempts are used up by probes,
        and one message that the provider cannot digest does not keep all others back.
        """
        rest = look.rest(self.name)
        if not isinstance(outcome, Refused) or outcome.permanent or not rest:
            return outcome
        return structs.replace(outcome, retry_after=max(outcome.retry_after, rest + BEHIND))

    def _outcomes(self, batch: Sequence[M]) -> Sequence[Outcome]:
        if self._together is not None and len(batch) > 1:
            return self._together.send_many(batch)
        return [self._channel.send(message) for message in batch]

    def _report(self, permit: Go, outcomes: Sequence[Outcome], look: Look) -> None:
        """One message of a batch may meet a passing fault: only a batch of nothing else counts against a provider."""
        if all(map(_is_fault, outcomes)):
            look.failed(self.name, permit)
        else:
            look.succeeded(self.name, permit, well=any(map(_went_well, outcomes)))


def _is_fault(outcome: Outcome) -> bool:
    return isinstance(outcome, Unknown) or (isinstance(outcome, Refused) and outcome.reason is Reason.PROVIDER)


def _went_well(outcome: Outcome) -> bool:
    """Whether the provider did its part: refusing a message for good, for the message's own sake, is that too."""
    return isinstance(outcome, Accepted) or (isinstance(outcome, Refused) and outcome.permanent)


def _said(outcome: Outcome) -> str:
    match outcome:
        case Accepted():
            return "accepted"
        case Unknown():
            return "unknown"
        case Refused(reason=reason):
            return reason.value
