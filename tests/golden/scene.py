"""An installation in which versions of one ruleset are published, or restored, and asked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from service.config import Settings
from service.core.clock import HandClock
from service.core.enums import Scope
from service.rulesets import versions
from service.storage import Item
from service.wiring.app import Service
from tests.functional.client import Client, InProcess, Reply

BEGAN = datetime(2026, 5, 10, 12, 0, tzinfo=UTC)
"""When the first version was published; each further one a day later."""

ASKED = datetime(2026, 12, 24, 18, 0, tzinfo=UTC)
"""When requests are asked that give no `as_of`."""


READER = {"user_id": "reader", "language": "en", "preference": "email", "email": "reader@example.com"}


@dataclass(frozen=True, slots=True)
class Scene:
    """The API of an empty installation."""

    service: Service
    clock: HandClock
    client: Client

    def ask(self, ruleset: str, body: Mapping[str, object]) -> Reply:
        """Evaluate a request, body and all."""
        return self.client.post(f"/v1/rulesets/{ruleset}/evaluations", body)

    def items(self, ruleset: str) -> Iterator[Item]:
        """Everything that the store holds of a ruleset's versions."""
        head = self.service.library.head(ruleset)
        published = [self.service.library.version(ruleset, number) for number in range(1, head.versions + 1)]
        ids = [
            versions.head_id(ruleset),
            *(versions.version_id(ruleset, version.number) for version in published),
            *(versions.activation_id(ruleset, number) for number in range(1, head.activations + 1)),
            *(versions.chunk_id(version.sha256, part) for version in published for part in range(version.chunks)),
        ]
        found = self.service.store.get_many(ids)
        return (found[one] for one in ids)

    def restore(self, items: Sequence[Item]) -> None:
        """Put stored items back as they were."""
        self.service.store.add(*items)
        self.clock.advance(ASKED - self.clock.now())


@contextmanager
def scene(home: Path) -> Iterator[Scene]:
    """An installation in an empty folder, at the instant `BEGAN`."""
    clock = HandClock(BEGAN)
    service = Service(Settings(home=home, rules_watch=False), clock)
    _, key = service.keys.create("golden", list(Scope))
    client = Client(InProcess(service.flask()), key)
    for audience in ("sales", "marketing"):  # to whom the rulesets of the recordings write
        client.post(f"/v1/audiences/{audience}/recipients", {"recipients": [READER]})
    yield Scene(service, clock, client)
    service.store.close()
