"""Circuit breakers shared by all processes: one stored item for each provider."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace

from service.clock import Clock
from service.records import from_state, to_state
from service.storage import Conflict, Item, Store
from service.work.breaker import Breaker, Closed, Go, Open, Wait, admit, failed, succeeded

logger = logging.getLogger(__name__)

KIND = "breaker"


@dataclass(frozen=True, slots=True)
class _Record:
    breaker: Breaker


class Breakers:
    """Asks and tells the breakers of providers, such as `smtp` or `aws-sms`."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def admit(self, provider: str) -> Go | Wait:
        """Whether `provider` may be called now. After a `Go`, report how it went."""
        item, before = self._load(provider)
        after, answer = admit(before, self._clock.now())
        if after == before or self._swap(item, after):
            return answer
        return self.admit(provider)  # somebody else was quicker: they may have taken the one probe

    def succeeded(self, provider: str, permit: Go) -> None:
        """Report a call that the provider answered, be it with a refusal of that one message."""
        self._change(provider, lambda breaker: succeeded(breaker, permit))

    def failed(self, provider: str, permit: Go) -> None:
        """Report a call that the provider did not answer, or answered with a fault of its own."""
        self._change(provider, lambda breaker: failed(breaker, permit, self._clock.now()))

    def state(self, provider: str) -> Breaker:
        """The breaker as it stands, for the console and `tocsin doctor`."""
        return self._load(provider)[1]

    def _change(self, provider: str, change: Callable[[Breaker], Breaker]) -> None:
        while True:
            item, before = self._load(provider)
            after = change(before)
            if after == before:
                return
            if self._swap(item, after):
                _log(provider, before, after)
                return

    def _load(self, provider: str) -> tuple[Item, Breaker]:
        item = self._store.get(f"breaker-{provider}")
        if item is None:
            return Item(f"breaker-{provider}", KIND, to_state(_Record(Closed(0)))), Closed(0)
        return item, from_state(_Record, item.state).breaker

    def _swap(self, item: Item, breaker: Breaker) -> bool:
        changed = replace(item, state=to_state(_Record(breaker)))
        try:
            self._store.save(changed)
        except Conflict:
            return False
        return True


def _log(provider: str, before: Breaker, after: Breaker) -> None:
    if type(before) is type(after):
        return
    extra = {"provider": provider}
    if isinstance(after, Open):
        logger.error("Provider %s keeps failing: it is left alone until %s", provider, after.until, extra=extra)
    elif isinstance(after, Closed):
        logger.info("Provider %s answers again", provider, extra=extra)
