"""Review: a person looks at what the rules flagged, and says whether it goes out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from service.channels import Accepted, Email, Reference, Refused, Unknown
from service.core import Tag, TocsinError, from_state, parse_tag, to_state
from service.messages import MAX_VALUE, Carriers, Template, announcement, render
from service.notify.completion import Completion
from service.notify.model import (
    STOPPED,
    Decision,
    Notification,
    Review,
    Status,
    Texts,
    notification_item,
    notification_of,
    texts_id,
    texts_of,
)
from service.storage import AuditEntry, Conflict, Item, Store
from service.work import Commit, Permanent, RetryLater, Task, finished, postponed

KIND = "reviewer-mail"
ENGLISH = Tag("en")

LETTER = """A message waits for your review: {{ notification }}

It says:

{{ text }}

Why it was held: {{ reason }}

{{ how }} It was sent by {{ app }}."""

TRANSLATED = """A machine translated {{ notification }} into {{ language }}, and nobody has looked at that yet:

{{ pairs }}

Readers of {{ language }} wait until you approve it, under Reviews in the console or with POST /v1/reviews/…
It was sent by {{ app }}."""

BY_LINK = "Look at it and decide: {link}"
BY_CALL = "Approve or reject it with POST /v1/notifications/{id}/review."


class NotHeld(TocsinError):
    """The notification does not wait for a review: it was decided already, or never held."""


@dataclass(frozen=True, slots=True)
class _Reviewer:
    """The reviewer who is told about a notification: addresses are in the settings only.

    With a `language` it is about what a machine says in that.
    """

    notification_id: str
    reviewer: int
    language: str | None = None


@dataclass(frozen=True, slots=True)
class Reviewers:
    """Writes to the reviewers by email. `addresses` are those of TOCSIN_REVIEWERS.

    `link` makes the link by which a reviewer, counted from 1, decides; without one the mail names the call.
    """

    store: Store
    carriers: Carriers
    addresses: tuple[str, ...] = ()
    link: Callable[[str, int], str] | None = None

    def letters(self, notification: Notification, now: datetime) -> Sequence[Item]:
        """One item of work for each reviewer, so that one address's failure repeats nobody else's letter."""
        return [
            Item(f"{notification.id}-reviewer-{number}", KIND, to_state(_Reviewer(notification.id, number)), due_at=now)
            for number in range(len(self.addresses))
        ]

    def letters_about_drafts(self, texts: Texts, now: datetime) -> Sequence[Item]:
        """Likewise where a machine translated into a language, and a person must look at that first."""
        if not texts.drafts:
            return ()
        letters = (_Reviewer(texts.notification_id, number, texts.language) for number in range(len(self.addresses)))
        return [
            Item(
                f"{letter.notification_id}-reviewer-{letter.reviewer}-{letter.language}",
                KIND,
                to_state(letter),
                due_at=now,
            )
            for letter in letters
        ]

    def handle(self, task: Task) -> Commit:
        """Write to one reviewer, unless the decision was made meanwhile."""
        letter = from_state(_Reviewer, task.item.state)
        item = self.store.get(letter.notification_id)
        if item is None or letter.reviewer >= len(self.addresses):
            return Commit(finished(task.item))
        email = self._letter(notification_of(item), task.item, letter)
        if email is None:
            return Commit(finished(task.item))
        handed = self.carriers.hand_over([email], task.begin_by)[0]
        match handed.outcome:
            case Accepted() | Unknown():
                return Commit(finished(task.item), spawn=handed.writes)
            case Refused(permanent=True, detail=detail):
                raise Permanent(f"the letter to reviewer {letter.reviewer + 1} was refused: {detail}")
            case Refused(untried=True, retry_after=after):
                return Commit(postponed(task.item, task.now + after))
            case Refused(detail=detail, retry_after=after):
                raise RetryLater(f"the letter to reviewer {letter.reviewer + 1} was not taken: {detail}", after)

    def _letter(self, notification: Notification, item: Item, letter: _Reviewer) -> Email | None:
        """The mail to one reviewer; None where nothing waits any more."""
        if letter.language is not None:
            return self._about_drafts(notification, item, letter)
        if notification.status is not Status.HELD_FOR_REVIEW:
            return None
        return self._email(notification, item, letter.reviewer)

    def _about_drafts(self, notification: Notification, item: Item, letter: _Reviewer) -> Email | None:
        stored = self.store.get(texts_id(notification.id, letter.language or ""))
        texts = None if stored is None else texts_of(stored)
        if texts is None or not texts.drafts or notification.status in STOPPED:
            return None
        pairs = "\n\n".join(f"{source}\n→ {draft}" for source, draft in texts.drafts.items())
        language = parse_tag(texts.language)
        variables = {
            "notification": notification.id,
            "pairs": pairs[:MAX_VALUE],
            "language": language.locale.get_display_name("en") or texts.language,
            "app": notification.app,
        }
        letter_text = announcement(TRANSLATED, ENGLISH, "A translation waits for your review")
        return self._to(letter.reviewer, letter_text, variables, item)

    def _email(self, notification: Notification, item: Item, reviewer: int) -> Email:
        variables = {
            "notification": notification.id,
            "text": notification.message.sms[:1_500],
            "reason": (notification.verdict and notification.verdict.reason) or "the sentiment rules flagged it",
            "app": notification.app,
            "how": self._how(notification.id, reviewer),
        }
        letter = announcement(LETTER, ENGLISH, "A message waits for your review")
        return self._to(reviewer, letter, variables, item)

    def _to(self, reviewer: int, letter: Template, variables: Mapping[str, object], item: Item) -> Email:
        text = render.email_text(render.rendition(letter, ENGLISH, "source", {}), variables)
        reference = Reference(item.id, max(1, item.attempts))
        return Email(self.addresses[reviewer], text.subject, text.html, text.text, ENGLISH, reference)

    def _how(self, notification_id: str, reviewer: int) -> str:
        """What the mail says about how to decide."""
        if self.link is None:
            return BY_CALL.format(id=notification_id)
        return BY_LINK.format(link=self.link(notification_id, reviewer + 1))


def reviewed(
    store: Store, completion: Completion, notification_id: str, review: Review, audit: AuditEntry
) -> Notification:
    """Commit a person's decision: approved goes on at once, or at `send_at`. `NotHeld` for any but a held one."""
    item = store.get(notification_id)
    notification = None if item is None else notification_of(item)
    if item is None or notification is None or notification.status is not Status.HELD_FOR_REVIEW:
        status = "unknown" if notification is None else notification.status.value
        raise NotHeld(f"notification {notification_id} does not wait for a review: it is {status}")
    decided, callbacks = notification.reviewed(review), list[Item]()
    if review.decision is Decision.REJECT:
        decided = decided.ended(Status.REJECTED, review.at)
        callbacks += completion.callback(decided)
    due_at = max(review.at, decided.send_at or review.at) if decided.status is Status.APPROVED else None
    try:
        store.save(notification_item(item, decided, due_at), spawn=callbacks, audit=[audit])
    except Conflict:
        return reviewed(store, completion, notification_id, review, audit)
    return decided
