"""The renditions of notifications, parsed and laid out once for a language, not once for a person."""

from __future__ import annotations

from collections.abc import Callable

from service.channels import Attachment
from service.core import Lane, Tag, parse_tag
from service.messages import Attachments, MailFooter, Rendition, Translations
from service.notify.model import (
    Notification,
    Texts,
    gathered_rendition,
    notification_of,
    rendition_of,
    texts_id,
    texts_item,
    texts_of,
)
from service.notify.texts.single_flight import SingleFlightCache
from service.notify.texts.translate import translated
from service.storage import AlreadyExists, Store

FILES_KEPT = 4
"""Notifications whose files a process holds: up to 7 MiB each."""

KEPT = 64
"""Entries that a process holds of each: the few notifications under way, in their few languages."""


class Renditions:
    """Reads what was translated; safe for threads. `get` and `texts` may raise `Unavailable`."""

    def __init__(
        self,
        store: Store,
        translations: Translations,
        attachments: Attachments,
        foot: Callable[[Tag], MailFooter] | None = None,
    ) -> None:
        """`foot` is what stands below bulk mail in a language; None where nobody can be sent a link to leave."""
        self._store = store
        self._foot = foot
        self._attachments = attachments
        self._files = SingleFlightCache[tuple[Attachment, ...]](FILES_KEPT)
        self._translations = translations
        self._kept = SingleFlightCache[Rendition](KEPT)
        self._notifications = SingleFlightCache[Notification](KEPT)

    def notification(self, notification_id: str) -> Notification | None:
        """The notification as it was when one of its batches was sent first: what it says to whom never changes."""
        return self._notifications.of(notification_id, lambda: self._read(notification_id))

    def get(self, notification: Notification, language: str) -> Rendition | None:
        """The notification in a language; None while a text of it lacks its translation.

        Complete texts never change, so a rendition stays right.
        """
        return self._kept.of(texts_id(notification.id, language), lambda: self._rendition(notification, language))

    def texts(self, notification: Notification, language: str) -> Texts:
        """The texts in a language, translated now if nobody has read the notification in it before."""
        item = self._store.get(texts_id(notification.id, language))
        if item is not None:
            return texts_of(item)
        texts = translated(notification, language, self._translations)
        try:
            self._store.add(texts_item(None, texts))
        except AlreadyExists:
            return self.texts(notification, language)
        return texts

    def _read(self, notification_id: str) -> Notification | None:
        item = self._store.get(notification_id)
        return None if item is None else notification_of(item)

    def attachments(self, notification: Notification) -> tuple[Attachment, ...]:
        """The files that its emails carry; `AttachmentGone`."""
        wanted = notification.message.attachments
        if not wanted:
            return ()
        return self._files.of("|".join(wanted), lambda: self._attachments.load(wanted)) or ()

    def laid_out(self, notification: Notification, texts: Texts) -> Rendition:
        """The notification in complete texts, with what stands below it."""
        gathers = notification.message.digest is not None  # then the foot is the digest's
        return rendition_of(
            notification.message, texts, None if gathers else self._below(notification, texts.written_in)
        )

    def _rendition(self, notification: Notification, language: str) -> Rendition | None:
        if notification.message.gathered:
            return gathered_rendition(notification.message, self._below(notification, notification.message.language))
        texts = self.texts(notification, language)
        return self.laid_out(notification, texts) if texts.is_complete else None

    def _below(self, notification: Notification, language: str) -> MailFooter | None:
        if self._foot is None or notification.lane is not Lane.BULK:
            return None
        return self._foot(parse_tag(language))
