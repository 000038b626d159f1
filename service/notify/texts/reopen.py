"""A supplied translation is sent to everybody who waited for it, in every notification."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from service.messages import Translations
from service.notify.model import Notification, notification_item, notification_of, texts_item, texts_of, waiting_for
from service.notify.texts.translate import translated
from service.storage import Conflict, Item, Store
from service.work import Commit, Task, finished


@dataclass(frozen=True, slots=True)
class TranslationReopener:
    """Handles items of kind `translation`, which come due when their text was supplied."""

    store: Store
    translations: Translations

    def handle(self, task: Task) -> Commit:
        """Complete the texts that waited, and let their notifications go on."""
        for index, value in waiting_for(task.item.id):
            self._complete_all(index, value, task)
        return Commit(finished(task.item))

    def _complete_all(self, index: str, value: str, task: Task) -> None:
        cursor: str | None = None
        while True:
            page = self.store.by_index(index, value, cursor=cursor)
            for item in page.items:
                self._complete(item.id, task.item.id, task.now)
            cursor = page.cursor
            if cursor is None:
                return

    def _complete(self, texts_name: str, translation: str, now: datetime) -> None:
        item = self.store.get(texts_name)
        texts = None if item is None else texts_of(item)
        owner = None if texts is None else self.store.get(texts.notification_id)
        if item is None or texts is None or owner is None or translation not in texts.missing:
            return
        notification = notification_of(owner)
        renewed = translated(notification, texts.language, self.translations)
        others = [self._reopened(owner, notification, texts.language, now)] if renewed.is_complete else []
        try:
            self.store.save(texts_item(item, renewed), *others)
        except Conflict:
            self._complete(texts_name, translation, now)

    def _reopened(self, owner: Item, notification: Notification, language: str, now: datetime) -> Item:
        """A notification that is being sent notices the change by itself; a completed one is sent on."""
        return notification_item(owner, notification.reopened(language), owner.due_at or now)
