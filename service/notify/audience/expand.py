"""From an audience to batches of deliveries, a few batches a step, so that no step grows with the audience."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from service.notify.audience.addressees import Addressees, people_in
from service.notify.model import BATCH_SIZE, Expansion, Notification, Status, batch_item, cut
from service.recipients import FIRST, Directory, Recipient
from service.storage import Item

BATCHES_A_STEP = 15
"""Each batch is a write with two lookups; the step stays well inside one commit."""


def expand(
    notification: Notification, directory: Directory, addressees: Addressees
) -> tuple[Notification, Sequence[Item]]:
    """The notification with some more of its audience written out, and the batches for them."""
    expansion = notification.expansion
    if notification.audience is not None and expansion.edition is None:
        expansion = replace(expansion, edition=_edition(notification.audience, expansion, directory))
    readers, cursor = _next_readers(notification, expansion, directory, addressees)
    batches = []
    for start in range(0, len(readers), BATCH_SIZE):
        some = readers[start : start + BATCH_SIZE]
        first = expansion.deliveries + 1
        batch = cut(notification.id, expansion.pages + 1, first, [name for name, _ in some])
        batches.append(batch_item(batch, notification.lane))
        people = [person for _, person in some if person is not None]
        expansion = expansion.with_batch(
            len(some), tuple(person.language for person in people), tuple(person.preference for person in people)
        )
    expansion = replace(expansion, cursor=cursor, complete=cursor is None)
    status = Status.TRANSLATING if expansion.complete else notification.status
    return replace(notification, expansion=expansion, status=status), batches


def _edition(audience: str, expansion: Expansion, directory: Directory) -> str:
    """The members of the audience; what an earlier version began goes on with its members."""
    return FIRST if expansion.cursor is not None else directory.audiences.current(audience).edition


Reader = tuple[str, Recipient | None]
"""Whom a copy is for, by id; None for somebody who was named and has been erased since: their copy says so."""


def _next_readers(
    notification: Notification, expansion: Expansion, directory: Directory, addressees: Addressees
) -> tuple[Sequence[Reader], str | None]:
    limit = BATCH_SIZE * BATCHES_A_STEP
    if notification.audience is not None:
        page = directory.members(notification.audience, cursor=expansion.cursor, limit=limit, edition=expansion.edition)
        return [(person.user_id, person) for person in page.items], page.cursor
    return _named(notification, expansion, limit, directory, addressees)


def _named(
    notification: Notification, expansion: Expansion, limit: int, directory: Directory, addressees: Addressees
) -> tuple[Sequence[Reader], str | None]:
    start = int(expansion.cursor or "0")
    names = notification.recipients[start : start + limit]
    came_along = people_in(addressees.of(notification, names))
    by_id = {**directory.get_many([name for name in names if name not in came_along]), **came_along}
    more = start + limit < len(notification.recipients)
    return [(name, by_id.get(name)) for name in names], str(start + limit) if more else None
