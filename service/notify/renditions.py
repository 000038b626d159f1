"""The renditions of notifications, parsed and laid out once for a language, not once for a person."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock

from service.messages.render import Rendition
from service.messages.translations import Translations
from service.notify.items import texts_item, texts_of
from service.notify.notification import Notification
from service.notify.rendition import Texts, rendition_of, texts_id
from service.notify.translate import translated
from service.storage import AlreadyExists, Store

KEPT = 64
"""Renditions that a process holds: the few languages of the few notifications under way."""


class Renditions:
    """Reads what was translated; safe for threads. `get` and `texts` may raise `Unavailable`."""

    def __init__(self, store: Store, translations: Translations) -> None:
        self._store = store
        self._translations = translations
        self._kept: OrderedDict[str, Rendition] = OrderedDict()
        self._lock = Lock()

    def get(self, notification: Notification, language: str) -> Rendition | None:
        """The notification in a language; None while a text of it lacks its translation.

        Complete texts never change, so that a rendition that was made once stays right.
        """
        name = texts_id(notification.id, language)
        with self._lock:
            if name in self._kept:
                self._kept.move_to_end(name)
                return self._kept[name]
        texts = self.texts(notification, language)
        return self._keep(name, rendition_of(notification.message, texts)) if texts.is_complete else None

    def texts(self, notification: Notification, language: str) -> Texts:
        """The texts in a language, translated now if nobody has read the notification in it before."""
        item = self._store.get(texts_id(notification.id, language))
        if item is not None:
            return texts_of(item)
        texts = translated(notification.id, notification.message, language, self._translations)
        try:
            self._store.add(texts_item(None, texts))
        except AlreadyExists:
            return self.texts(notification, language)
        return texts

    def _keep(self, name: str, rendition: Rendition) -> Rendition:
        with self._lock:
            self._kept[name] = rendition
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return rendition
