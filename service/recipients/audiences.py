"""Audiences: each is one item that names the edition of its members who count.

Members belong to an edition. To replace them all, those of a new edition are written first, which nobody sees, and one
write of the audience's item switches over: whoever reads finds the old list or the new. A notification that is being
written out goes on with the edition with which it began, which is therefore kept for a day.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from msgspec import structs
from typing_extensions import override

from service.core import Clock, Lane, from_state, ids, to_state
from service.storage import Conflict, Item, Page, Relisting, Store
from service.work import Commit, Task, finished

KIND = "audience"
EDITION_KIND = "audience-edition"
MEMBER_KIND = "member"

ALL = ("audiences", "all")
"""Index and value under which every audience is listed."""

FIRST = ""
"""The edition of members that an earlier version stored, or that were added one by one from the beginning."""

KEPT_FOR = timedelta(days=1)
"""How long an edition stays after another has taken its place."""

FORGOTTEN_AT_ONCE = 90


@dataclass(frozen=True, slots=True)
class AudienceRecord:
    """An audience; `edition` is that of its members. One that was deleted may come back, empty at first."""

    name: str
    edition: str = FIRST
    changed_at: datetime | None = None
    deleted: bool = False


@dataclass(frozen=True, slots=True)
class Edition:
    """Members who count together, or once did, or will."""

    audience: str
    edition: str

    @property
    def key(self) -> str:
        """Under what its members are listed."""
        return f"{self.audience}.{self.edition}" if self.edition else self.audience

    def member(self, user_id: str) -> Item:
        """The item of one member."""
        state = {"audience": self.audience, "user_id": user_id, "edition": self.edition}
        return Item(self.member_id(user_id), MEMBER_KIND, state, keys={"audience": self.key, "member-of": user_id})

    def member_id(self, user_id: str) -> str:
        """The length keeps apart the audience "a-b" with its member "c" and "a" with "b-c"."""
        return f"member-{len(self.key)}-{self.key}-{user_id}"


class Audiences:
    """The audiences' own items."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def current(self, name: str) -> Edition:
        """The members of an audience that count now; the first edition of one that has no item of its own."""
        return Edition(name, self._read(name)[1].edition)

    def current_of(self, names: Sequence[str]) -> dict[str, str]:
        """The editions that count of several audiences, by their names."""
        items = self._store.get_many([_id(name) for name in dict.fromkeys(names)])
        editions = (from_state(AudienceRecord, item.state) for item in items.values())
        return dict.fromkeys(names, FIRST) | {audience.name: audience.edition for audience in editions}

    def relisting(self) -> Relisting:
        """Lists the audiences of earlier versions, which had no items of their own: members tell which there are."""
        return _AudienceRelisting(self._store, "member-", lambda _: {}, opened=self._listed_if_unknown)

    def exists(self, name: str) -> bool:
        """Whether there is such an audience, or one that an earlier version made."""
        item, audience = self._read(name)
        if item is not None:
            return not audience.deleted
        return bool(self._store.ids_by_index("audience", name, limit=1).items)

    def listed(self, cursor: str | None, limit: int) -> Page[AudienceRecord]:
        """Audiences in the order of their names."""
        page = self._store.by_index(*ALL, cursor=cursor, limit=limit)
        return Page([from_state(AudienceRecord, item.state) for item in page.items], page.cursor)

    def opened(self, name: str) -> Edition:
        """The edition to which members are added; the audience is listed from now on."""
        item, audience = self._read(name)
        if item is None or audience.deleted:
            self._change(name, lambda before: replace(before, deleted=False))
        return self.current(name)

    def begun(self, name: str) -> Edition:
        """A new edition, which does not count yet; what nobody switches to is forgotten after a day."""
        now = self._clock.now()
        edition = Edition(name, ids.fresh(now))
        self._store.add(_of_edition(edition, now + KEPT_FOR))
        return edition

    def switch(self, edition: Edition) -> None:
        """Let an edition count instead of the one before, in one write."""
        self._change(edition.audience, lambda before: replace(before, edition=edition.edition, deleted=False))

    def delete(self, name: str) -> bool:
        """Let nobody belong to an audience, in one write; False if there is no such audience."""
        if not self.exists(name):
            return False
        empty = ids.fresh(self._clock.now())
        self._change(name, lambda before: replace(before, edition=empty, deleted=True))
        return True

    def forget(self, task: Task) -> Commit:
        """Forget the members of an edition that no longer counts, some a step."""
        edition = from_state(Edition, task.item.state)
        if self.current(edition.audience) == edition:
            return Commit(finished(task.item))
        page = self._store.by_index("audience", edition.key, limit=FORGOTTEN_AT_ONCE)
        if not page.items:
            return Commit(structs.replace(finished(task.item), expires_at=task.now))
        gone = [structs.replace(item, keys={}, expires_at=task.now) for item in page.items]
        return Commit(structs.replace(task.item, due_at=task.now, attempts=0), others=gone)

    def _listed_if_unknown(self, name: str) -> None:
        if self._store.get(_id(name)) is None:
            self._change(name, lambda before: before)

    def _change(self, name: str, change: Callable[[AudienceRecord], AudienceRecord]) -> None:
        """Change an audience's item, making it if need be; the edition that no longer counts goes in a day."""
        while True:
            item, before = self._read(name)
            now = self._clock.now()
            after = replace(change(before), changed_at=now)
            keys = {} if after.deleted else dict([ALL])
            fresh = structs.replace(item or Item(_id(name), KIND, {}), state=to_state(after), keys=keys)
            try:
                self._store.save(fresh, *self._outdated(before, after, now))
            except Conflict:
                continue  # somebody else changed it: ours is the later word
            return

    def _outdated(self, before: AudienceRecord, after: AudienceRecord, now: datetime) -> Sequence[Item]:
        if before.edition == after.edition:
            return ()
        old = _of_edition(Edition(before.name, before.edition), now + KEPT_FOR)
        stored = self._store.get(old.id)
        return (structs.replace(stored or old, due_at=old.due_at, expires_at=None),)

    def _read(self, name: str) -> tuple[Item | None, AudienceRecord]:
        item = self._store.get(_id(name))
        return item, AudienceRecord(name) if item is None else from_state(AudienceRecord, item.state)


@dataclass(slots=True)
class _AudienceRelisting(Relisting):
    """Lists the audience of each member."""

    opened: Callable[[str], None] = lambda _: None
    _seen: set[str] = field(default_factory=set)

    @override
    def _list(self, item: Item) -> None:
        name = str(item.state.get("audience", ""))
        if name not in self._seen and not item.state.get("edition"):
            self.opened(name)
            self._seen.add(name)


def _id(name: str) -> str:
    return f"audience-{name}"


def _of_edition(edition: Edition, due_at: datetime) -> Item:
    """The item that deletes an edition once it does not count any more."""
    return Item(f"edition-{edition.key}", EDITION_KIND, to_state(edition), lane=Lane.BULK, due_at=due_at)
