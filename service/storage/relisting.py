"""Items of an earlier version, put under the keys by which this version finds them: once, by any worker.

Nobody looks such an item up by a key that it was not stored with. All items are looked through, some at a time; an item
remembers how far that has come, so that a worker that stops loses nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass

from msgspec import structs

from service.core import Unreadable
from service.storage.store import Conflict, Item, Store

KIND = "relisting"
SOME = 1_000
"""Items that one step looks at: a quarter of a second on DynamoDB."""


@dataclass(slots=True)
class Relisting:
    """Puts the items whose ids begin with `prefix` under their `keys`."""

    store: Store
    prefix: str
    keys: Callable[[Item], Mapping[str, str]]
    is_done: bool = False

    def go_on(self) -> bool:
        """Look through some more items; True once all have been."""
        if self.is_done:
            return True
        name = f"{KIND}-{self.prefix}"
        item = self.store.get(name) or Item(name, KIND, {})
        self.is_done = item.state.get("done") is True
        if not self.is_done:
            after = item.state.get("after")
            page = self.store.look_through(self.prefix, cursor=None if after is None else str(after), limit=SOME)
            for each in page.items:
                self._list(each)
            self._remember(item, page.cursor)
        return self.is_done

    def _list(self, item: Item) -> None:
        try:
            keys = self.keys(item)
        except Unreadable:  # of a newer version, or spoiled: whoever needs it says so
            return
        if any(item.keys.get(name) != value for name, value in keys.items()):
            with suppress(Conflict):  # whoever changed it meanwhile has listed it
                self.store.save(structs.replace(item, keys={**item.keys, **keys}))

    def _remember(self, item: Item, cursor: str | None) -> None:
        with suppress(Conflict):  # another worker has come as far
            self.store.save(structs.replace(item, state={"done": True} if cursor is None else {"after": cursor}))
            self.is_done = cursor is None
