"""Unsubscribing by one click: the signed link in the header of bulk mail (RFC 8058), and the page behind it.

A GET asks first, so that a scanner that opens links unsubscribes nobody; the mail program's own POST needs no page. It
ends bulk mail alone, says so in the reader's language, and can be undone on the page.
"""

from __future__ import annotations

import hashlib
import html
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus

from babel import Locale
from flask import Blueprint, Response, request
from itsdangerous import BadData, URLSafeSerializer

from service.core.enums import Lane
from service.core.language_tags import Tag, parse_tag
from service.core.secrets import Keyring
from service.language import Translation, Translator
from service.messages.optouts import OptOuts, Why
from service.recipients import Directory, Recipient

_HEADERS = {"X-Robots-Tag": "noindex"}
_STYLE = (
    "body{font:18px/1.5 system-ui,sans-serif;max-width:34em;margin:12vh auto;padding:0 1em;color:#1a1a1a}"
    "h1{font-size:1.25em;line-height:1.35}button{font:inherit;padding:.4em 1em;margin-top:.5em;cursor:pointer}"
    "@media(prefers-color-scheme:dark){body{background:#161616;color:#eee}}"
)
_HEAD = (
    f'<meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1"><style>{_STYLE}</style>'
)
_ENGLISH = Tag("en")

UNDO = "undo"
"""The field of the form that undoes; a mail program's own POST has `List-Unsubscribe=One-Click` instead."""


class Sentence(StrEnum):
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


@dataclass(frozen=True, slots=True)
class Button:
    """A page's one button; it leaves, or undoes that."""

    text: Sentence


@dataclass(frozen=True, slots=True)
class UnsubscribePages:
    """The pages that a link leads to. `translator` knows reviewed texts only."""

    links: UnsubscribeLinks
    directory: Directory
    opt_outs: OptOuts
    translator: Translator

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
        person = self.directory.get(user_id)
        if undo:
            return self._back(person)
        if person is not None and person.email is not None:
            self.opt_outs.add_email(person.email, Why.UNSUBSCRIBED)
        return self._left(person)

    def _has_left(self, person: Recipient | None) -> bool:
        refusals = () if person is None or person.email is None else self.opt_outs.of_email(person.email)
        return any(one.why is Why.UNSUBSCRIBED for one in refusals)

    def _asked(self, person: Recipient | None) -> Response:
        return self._page(person, (Sentence.QUESTION, Sentence.STILL), Button(Sentence.LEAVE))

    def _left(self, person: Recipient | None) -> Response:
        return self._page(person, (Sentence.LEFT, Sentence.STILL), Button(Sentence.UNDO))

    def _back(self, person: Recipient | None) -> Response:
        if person is None or person.email is None:
            return self._asked(person)
        self.opt_outs.lift_email(person.email, Why.UNSUBSCRIBED)
        if self.opt_outs.ending_email(person.email, Lane.BULK) is not None:
            return self._page(person, (Sentence.STOPPED,))
        return self._page(person, (Sentence.BACK,), Button(Sentence.LEAVE))

    def _page(self, person: Recipient | None, said: tuple[Sentence, ...], button: Button | None = None) -> Response:
        """In the reader's language, if every sentence of the page is known in it."""
        wanted = [Sentence.TITLE, *said, *(() if button is None else [button.text])]
        reader = _ENGLISH if person is None else parse_tag(person.language)
        answers = [self.translator.translate(sentence, _ENGLISH, reader) for sentence in wanted]
        known = [answer for answer in answers if isinstance(answer, Translation)]
        if len(known) < len(wanted):
            return _document(_ENGLISH, list(map(str, wanted)), button)
        return _document(known[0].language, [answer.text for answer in known], button)


def blueprint(links: UnsubscribeLinks, directory: Directory, opt_outs: OptOuts, translator: Translator) -> Blueprint:
    """The page, as a browser or a mail program calls it."""
    routes = Blueprint("unsubscribe", __name__)
    pages = UnsubscribePages(links, directory, opt_outs, translator)

    @routes.get("/u/<token>")
    def ask(token: str) -> Response:
        return pages.shown(token)

    @routes.post("/u/<token>")
    def leave(token: str) -> Response:
        return pages.changed(token, undo=UNDO in request.form)

    return routes


def _forged() -> Response:
    return _document(_ENGLISH, [Sentence.TITLE, Sentence.FORGED], None, HTTPStatus.FORBIDDEN)


def _document(language: Tag, said: list[str], button: Button | None, status: HTTPStatus = HTTPStatus.OK) -> Response:
    """A page of a title, a heading, paragraphs and, with a button, its text."""
    title, *texts = map(html.escape, said)
    form = "" if button is None else _form(button, texts.pop())
    first, *others = texts
    said_below = "".join(f"<p>{text}</p>" for text in others)
    document = (
        f'<!doctype html><html lang="{language}" dir="{_direction(language)}">'
        f"<head><title>{title}</title>{_HEAD}</head>"
        f"<body><h1>{first}</h1>{said_below}{form}</body></html>"
    )
    return Response(document, status, headers=_HEADERS, content_type="text/html; charset=utf-8")


def _form(button: Button, text: str) -> str:
    name = f' name="{UNDO}" value="1"' if button.text is Sentence.UNDO else ""
    return f'<form method="post"><button{name}>{text}</button></form>'


def _direction(language: Tag) -> str:
    locale: Locale = language.locale
    return "rtl" if locale.text_direction == "rtl" else "ltr"
