"""The page behind a signed link. It asks before it acts, so that a scanner that opens links acknowledges nothing."""

from __future__ import annotations

import hashlib
from http import HTTPStatus

from flask import Blueprint, Response, request

from service.core import Clock
from service.escalate.answer_pages import AnswerPages
from service.escalate.events import Origin, ReplyNo, ReplyYes, Via
from service.escalate.incidents import Incidents, NoSuchIncident
from service.escalate.links import LinkRefused, Links, TooManyTries

MAX_LANGUAGES = 10
"""Languages that a browser accepts, of which one is chosen."""


def blueprint(incidents: Incidents, links: Links, clock: Clock, pages: AnswerPages) -> Blueprint:
    """The page, as a browser reads and sends it."""
    routes = Blueprint("answers", __name__)

    @routes.get("/a/<token>")
    def ask(token: str) -> Response:
        who = links.read(token, request.remote_addr)
        return pages.question(incidents.get(who.incident_id).incident, who)

    @routes.post("/a/<token>")
    def answer(token: str) -> Response:
        who = links.read(token, request.remote_addr)
        choice = request.form.get("answer")
        if choice not in ("yes", "no"):
            return pages.question(incidents.get(who.incident_id).incident, who, HTTPStatus.BAD_REQUEST)
        kind: type[ReplyYes | ReplyNo] = ReplyYes if choice == "yes" else ReplyNo
        event_id = hashlib.sha256(f"{token} {choice}".encode()).hexdigest()[:32]
        event = kind(event_id, clock.now(), who.contact, who.level, Origin(Via.LINK))
        return pages.standing(incidents.apply(who.incident_id, event).incident, who)

    @routes.errorhandler(LinkRefused)
    def refuse(error: LinkRefused) -> Response:
        return pages.refused(error, list(request.accept_languages.values())[:MAX_LANGUAGES])

    @routes.errorhandler(TooManyTries)
    def let_wait(error: TooManyTries) -> Response:
        return Response(
            f"{error}\n", HTTPStatus.TOO_MANY_REQUESTS, headers={"Retry-After": "60"}, mimetype="text/plain"
        )

    @routes.errorhandler(NoSuchIncident)
    def refuse_one_that_is_gone(_: NoSuchIncident) -> Response:
        return refuse(LinkRefused(too_old=True))

    return routes
