"""Leaving by one click: the signed link in the header of bulk mail (RFC 8058), and the page behind it.

A GET asks first, so that a scanner that opens links unsubscribes nobody; the mail program's own POST needs no page.
"""

from __future__ import annotations

import hashlib
from http import HTTPStatus

from flask import Blueprint, Response
from itsdangerous import BadData, URLSafeSerializer

from service.messages.optouts import OptOuts, Why
from service.recipients import Directory, Recipient
from service.secrets import Keyring

_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex",
}
_STYLE = "body{font:18px/1.5 system-ui,sans-serif;max-width:36em;margin:10vh auto;padding:0 1em}button{font:inherit}"


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


def blueprint(links: UnsubscribeLinks, directory: Directory, opt_outs: OptOuts) -> Blueprint:
    """The page, as a browser or a mail program calls it."""
    routes = Blueprint("unsubscribe", __name__)

    @routes.get("/u/<token>")
    def ask(token: str) -> Response:
        if links.read(token) is None:
            return _page("This link is not one of ours.", HTTPStatus.FORBIDDEN)
        return _page('Do you want no more mail from us?<form method="post"><button>No more mail</button></form>')

    @routes.post("/u/<token>")
    def leave(token: str) -> Response:
        user_id = links.read(token)
        if user_id is None:
            return _page("This link is not one of ours.", HTTPStatus.FORBIDDEN)
        person = directory.get(user_id)
        if person is not None and person.email is not None:
            opt_outs.add_email(person.email, Why.UNSUBSCRIBED)
        return _page("You will get no more mail from us.")

    return routes


def _page(content: str, status: HTTPStatus = HTTPStatus.OK) -> Response:
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><style>{_STYLE}</style>'
    document = (
        f'<!doctype html><html lang="en"><head><title>Mail</title>{head}</head><body><p>{content}</p></body></html>'
    )
    return Response(document, status, headers=_HEADERS, content_type="text/html; charset=utf-8")
