"""One provider over the network: left alone while its breaker is open, its sends counted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Generic, Protocol, TypeVar

from msgspec import structs

from service.channels import (
    Accepted,
    BulkSender,
    Message,
    Outcome,
    Reason,
    Refused,
    SingleSender,
    Unknown,
    counted_send,
)
from service.messages.senders import Sender
from service.work import LONGEST_REST, PROBED_WITHIN, BreakerView, CallAllowed, CallDenied, LimitKind

M = TypeVar("M", bound=Message)

SHORTLY = timedelta(seconds=1)
"""How long a message waits for which no provider was asked."""

BEHIND = timedelta(seconds=1)
"""How much later than those that wait for the end of a rest a failed probe comes back."""

LIMITS = {
    Reason.THROTTLED: LimitKind.RATE,
    Reason.ACCESS: LimitKind.ACCESS,
    Reason.LIMIT: LimitKind.ACCOUNT,
}
"""Refusals that are not about the message: any other message would meet them too."""


class Identities(Protocol[M]):
    """From where a provider's messages leave; `Senders` for SMS and calls."""

    def addressed(self, message: M, /) -> M | Refused:
        """The message as it leaves; refused where no identity will do."""

    def of_message(self, message: M, /) -> Sender | None:
        """The identity that the message would leave from, where it is a listed one."""

    def accounts(self) -> Sequence[str]:
        """Ids of the other accounts whose identities are used; our own has none."""


class OneAddress(Generic[M]):
    """All messages leave from one address, such as all mail."""

    def addressed(self, message: M, /) -> M:
        """The message as it is."""
        return message

    def of_message(self, _message: M, /) -> None:
        """Nobody that is listed."""

    def accounts(self) -> Sequence[str]:
        """No other account."""
        return ()


class Provider(Generic[M]):
    """A way out by the network."""

    def __init__(
        self,
        name: str,
        channel: SingleSender[M],
        identities: Identities[M],
        together: BulkSender[M] | None = None,
        most_per_second: Callable[[], float | None] = lambda: None,
    ) -> None:
        """`most_per_second` asks what the account grants; None where it does not say."""
        self.name = name
        self.most_per_second = most_per_second
        self.identities: Identities[M] = identities
        self._channel: SingleSender[M] = channel
        self._together: BulkSender[M] | None = together

    @property
    def accounts(self) -> Sequence[str]:
        """What breakers and limits call the accounts that messages leave by: ours is named like the provider."""
        return (self.name, *(f"{self.name}-{account}" for account in self.identities.accounts()))

    def account_of(self, message: M) -> str:
        """The one of `accounts` that a message leaves by."""
        sender = self.identities.of_message(message)
        return self.name if sender is None or sender.account is None else f"{self.name}-{sender.account}"

    @property
    def takes_several(self) -> bool:
        """Whether messages of one content can ride in one call."""
        return self._together is not None

    def joins(self, message: M, earlier: M) -> bool:
        """Whether a message costs no call of its own when it follows `earlier`."""
        return self._together is not None and self._together.alike(earlier, message)

    def hand_over(self, messages: Sequence[M], look: BreakerView, in_time: Callable[[], bool]) -> Sequence[Outcome]:
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

    def _send(self, batch: Sequence[M], look: BreakerView, in_time: Callable[[], bool]) -> Sequence[Outcome]:
        if not in_time():
            too_late = Refused(Reason.THROTTLED, "other messages took the time there was", SHORTLY, untried=True)
            return [too_late] * len(batch)
        name, urgent = self.account_of(batch[0]), batch[0].reference.urgent
        permit = look.admit(name, urgent=urgent)
        if isinstance(permit, CallDenied):
            refused = Refused(Reason.THROTTLED, f"{name} is left alone for now", PROBED_WITHIN, untried=True)
            return [refused] * len(batch)
        outcomes = self._outcomes(batch)
        for outcome in outcomes:
            counted_send(self.name, outcome)
        self._report(name, permit, outcomes, look)
        rest = look.rest(name, urgent=urgent)
        return [_behind_others(outcome, rest) if permit.probe else _no_attempt(outcome, rest) for outcome in outcomes]

    def _outcomes(self, batch: Sequence[M]) -> Sequence[Outcome]:
        if self._together is not None and len(batch) > 1:
            return self._together.send_many(batch)
        return [self._channel.send(message) for message in batch]

    def _report(self, name: str, permit: CallAllowed, outcomes: Sequence[Outcome], look: BreakerView) -> None:
        """One message of a batch may meet a passing fault: only a batch that fails whole counts."""
        met = _limit_of(outcomes)
        if met is not None and (met.reason is not Reason.THROTTLED or not any(map(_went_well, outcomes))):
            look.limited(name, permit, LIMITS[met.reason], met.detail, met.retry_after)
        elif met is not None:
            look.slowed(name, permit)
        elif all(map(_is_fault, outcomes)):
            look.failed(name, permit)
        else:
            look.succeeded(name, permit, well=any(map(_went_well, outcomes)))


def _limit_of(outcomes: Sequence[Outcome]) -> Refused | None:
    """The limit that some of these met, the one that lasts longest."""
    met = [outcome for outcome in outcomes if isinstance(outcome, Refused) and outcome.reason in LIMITS]
    return max(met, key=lambda refused: LONGEST_REST[LIMITS[refused.reason]], default=None)


def _no_attempt(outcome: Outcome, rest: timedelta) -> Outcome:
    """A refusal that is no attempt of the message, which comes back when its provider may be asked again."""
    if not isinstance(outcome, Refused) or outcome.reason not in LIMITS:
        return outcome
    return structs.replace(outcome, retry_after=max(outcome.retry_after, rest, SHORTLY), untried=True)


def _behind_others(outcome: Outcome, rest: timedelta) -> Outcome:
    """A probe that failed comes back after all that wait: in a long outage nobody's attempts are used up by probes, and
    one message that the provider cannot digest does not keep all others back.
    """
    outcome = _no_attempt(outcome, rest)
    if not isinstance(outcome, Refused) or outcome.permanent or not rest:
        return outcome
    return structs.replace(outcome, retry_after=max(outcome.retry_after, rest + BEHIND))


def _is_fault(outcome: Outcome) -> bool:
    return isinstance(outcome, Unknown) or (isinstance(outcome, Refused) and outcome.reason is Reason.PROVIDER)


def _went_well(outcome: Outcome) -> bool:
    """Whether the provider worked: refusing a message because of its content or its reader counts as working."""
    if isinstance(outcome, Refused):
        return outcome.permanent or outcome.reason is Reason.LATER
    return isinstance(outcome, Accepted)
