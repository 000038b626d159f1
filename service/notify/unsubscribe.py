"""Unsubscribing by one click: the signed link in the header of bulk mail (RFC 8058), and the page behind it.

A GET asks first, so that a scanner that opens links unsubscribes nobody; the mail program's own POST needs no page. It
ends bulk mail alone, says so in the reader's language, and can be undone on the page.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus

from flask import Blueprint, Response, request
from itsdangerous import BadData, URLSafeSerializer

from service.core import Keyring, Lane, Tag, parse_tag
from service.http import PersonPage, person_page
from service.language import Translation, Translator
from service.messages import MailFooter, OptOutReason, OptOuts
from service.notify.audience import GUEST, is_guest
from service.recipients import Directory, Recipient

_ENGLISH = Tag("en")

UNDO = "undo"
"""The field of the form that undoes; a mail program's own POST has `List-Unsubscribe=One-Click` instead."""


class UnsubscribeSentence(StrEnum):
    """What the page says: sentences of the catalogues."""

    TITLE = "Email"
    QUESTION = "Do you want to stop newsletters and announcements by email?"
    LEAVE = "Unsubscribe"
    LEFT = "You will get no more newsletters and announcements by email."
    STILL = "Messages meant for you personally, and incident alerts, still reach you."
    UNDO = "Undo"
    BACK = "You will get newsletters and announcements by email again."
    STOPPED = "Email to this address is also stopped for another reason: please ask whoever writes to you."
    FORGED = "This link is not one of ours."


class UnsubscribeLinks:
    """Makes and reads links; they name a recipient, never an address, and stay valid for as long as mail is kept."""

    def __init__(self, keys: Keyring, public_url: str) -> None:
        given = {"digest_method": hashlib.sha256}
        self._signer = URLSafeSerializer(keys.oldest_first, salt="unsubscribe", signer_kwargs=given)
        self._public_url = public_url.rstrip("/")

    def of(self, recipient: Recipient) -> str:
        """The address at which one recipient's mail ends."""
        return f"{self._public_url}/u/{self._signer.dumps(recipient.user_id)}"

    def read(self, token: str) -> str | None:
        """The recipient's id, or None for what is no link of ours."""
        try:
            user_id = self._signer.loads(token)
        except BadData:
            return None
        return user_id if isinstance(user_id, str) else None


def foot(translator: Translator, sender: str, language: Tag) -> MailFooter:
    """What stands below a bulk mail; in English where no reviewed word of the language is known."""
    sentence = translator.translate(UnsubscribeSentence.LEAVE, _ENGLISH, language)
    return MailFooter(sender, sentence.text if isinstance(sentence, Translation) else UnsubscribeSentence.LEAVE.value)


@dataclass(frozen=True, slots=True)
class UnsubscribeButton:
    """A page's one button; it leaves, or undoes that."""

    text: UnsubscribeSentence


@dataclass(frozen=True, slots=True)
class UnsubscribePages:
    """The pages that a link leads to. `translator` knows reviewed texts only."""

    links: UnsubscribeLinks
    directory: Directory
    opt_outs: OptOuts
    translator: Translator
    sender: str = ""

    def shown(self, token: str) -> Response:
        """The question, or how to undo what was ended already."""
        if (user_id := self.links.read(token)) is None:
            return _forged()
        person = self.directory.get(user_id)
        return self._left(person) if self._has_left(person) else self._asked(person)

    def changed(self, token: str, *, undo: bool) -> Response:
        """The page after bulk mail was ended, or after that was undone."""
        if (user_id := self.links.read(token)) is None:
            return _forged()
        if is_guest(user_id):
            return self._changed_for(user_id.removeprefix(GUEST), undo=undo)
        person = self.directory.get(user_id)
        if undo:
            return self._back(person)
        if person is not None and person.email is not None:
            self.opt_outs.add_email(person.email, OptOutReason.UNSUBSCRIBED)
        return self._left(person)

    def _changed_for(self, key: str, *, undo: bool) -> Response:
        """Likewise for somebody who has no profile: an address by its key."""
        if undo:
            self.opt_outs.lift_email_key(key, OptOutReason.UNSUBSCRIBED)
            return self._page(None, (UnsubscribeSentence.BACK,), UnsubscribeButton(UnsubscribeSentence.LEAVE))
        self.opt_outs.add_email_key(key, OptOutReason.UNSUBSCRIBED)
        return self._left(None)

    def _has_left(self, person: Recipient | None) -> bool:
        refusals = () if person is None or person.email is None else self.opt_outs.of_email(person.email)
        return any(refusal.why is OptOutReason.UNSUBSCRIBED for refusal in refusals)

    def _asked(self, person: Recipient | None) -> Response:
        return self._page(
            person,
            (UnsubscribeSentence.QUESTION, UnsubscribeSentence.STILL),
            UnsubscribeButton(UnsubscribeSentence.LEAVE),
        )

    def _left(self, person: Recipient | None) -> Response:
        return self._page(
            person, (UnsubscribeSentence.LEFT, UnsubscribeSentence.STILL), UnsubscribeButton(UnsubscribeSentence.UNDO)
        )

    def _back(self, person: Recipient | None) -> Response:
        if person is None or person.email is None:
            return self._asked(person)
        self.opt_outs.lift_email(person.email, OptOutReason.UNSUBSCRIBED)
        if self.opt_outs.ending_email(person.email, Lane.BULK) is not None:
            return self._page(person, (UnsubscribeSentence.STOPPED,))
        return self._page(person, (UnsubscribeSentence.BACK,), UnsubscribeButton(UnsubscribeSentence.LEAVE))

    def _page(
        self,
        person: Recipient | None,
        sentences: tuple[UnsubscribeSentence, ...],
        button: UnsubscribeButton | None = None,
    ) -> Response:
        """In the reader's language, if every sentence of the page is known in it."""
        wanted = [UnsubscribeSentence.TITLE, *sentences, *(() if button is None else [button.text])]
        reader = _ENGLISH if person is None else parse_tag(person.language)
        answers = [self.translator.translate(sentence, _ENGLISH, reader) for sentence in wanted]
        known = [answer for answer in answers if isinstance(answer, Translation)]
        if len(known) < len(wanted):
            return _page(self.sender, _ENGLISH, list(map(str, wanted)), button).response()
        return _page(self.sender, known[0].language, [answer.text for answer in known], button).response()


def blueprint(pages: UnsubscribePages) -> Blueprint:
    """The page, as a browser or a mail program calls it."""
    routes = Blueprint("unsubscribe", __name__)

    @routes.get("/u/<token>")
    def ask(token: str) -> Response:
        return pages.shown(token)

    @routes.post("/u/<token>")
    def leave(token: str) -> Response:
        return pages.changed(token, undo=UNDO in request.form)

    return routes


def _forged() -> Response:
    return _page("", _ENGLISH, [UnsubscribeSentence.TITLE, UnsubscribeSentence.FORGED], None).response(
        HTTPStatus.FORBIDDEN
    )


def _page(sender: str, language: Tag, paragraphs: list[str], button: UnsubscribeButton | None) -> PersonPage:
    """A page of a title, a heading, paragraphs and, with a button, its text."""
    title, heading, *others = paragraphs
    buttons = () if button is None else (_shown(button, others.pop()),)
    return PersonPage(language=language, title=title, heading=heading, top=sender, said=others, buttons=buttons)


def _shown(button: UnsubscribeButton, text: str) -> person_page.Button:
    name, value = (UNDO, "1") if button.text is UnsubscribeSentence.UNDO else ("leave", "1")
    return person_page.Button(name, value, text)
