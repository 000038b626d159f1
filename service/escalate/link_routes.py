"""The page behind a signed link. It asks before it acts, so that a scanner that opens links acknowledges nothing."""

from __future__ import annotations

import hashlib
from html import escape
from http import HTTPStatus

from flask import Blueprint, Response, request

from service.core.clock import Clock
from service.escalate.events import Origin, ReplyNo, ReplyYes, Via
from service.escalate.incident import Acknowledged, Cancelled, Incident, Open, Resolved
from service.escalate.incidents import Incidents, NoSuchIncident
from service.escalate.links import Answerer, LinkRefused, Links

_HEADERS = {"X-Robots-Tag": "noindex"}

_STYLE = (
    "body{font:18px/1.5 system-ui,sans-serif;max-width:36em;margin:10vh auto;padding:0 1em;color:#1b1b1b}"
    "button{font:inherit;padding:.6em 1.6em;margin:.5em .5em 0 0;border-radius:.3em;border:1px solid #1b1b1b}"
    "button[value=yes]{background:#0b6e3a;color:#fff;border-color:#0b6e3a}"
)


def blueprint(incidents: Incidents, links: Links, clock: Clock) -> Blueprint:
    """The page, as a browser reads and sends it."""
    routes = Blueprint("answers", __name__)

    @routes.get("/a/<token>")
    def ask(token: str) -> Response:
        try:
            who = links.read(token)
            return _page(_question(incidents.get(who.incident_id).incident, who))
        except (LinkRefused, NoSuchIncident) as error:
            return _refused(error)

    @routes.post("/a/<token>")
    def answer(token: str) -> Response:
        try:
            who = links.read(token)
            said = request.form.get("answer")
            if said not in ("yes", "no"):
                return _page(_question(incidents.get(who.incident_id).incident, who), HTTPStatus.BAD_REQUEST)
            kind: type[ReplyYes | ReplyNo] = ReplyYes if said == "yes" else ReplyNo
            event_id = hashlib.sha256(f"{token} {said}".encode()).hexdigest()[:32]
            record = incidents.happens(
                who.incident_id, kind(event_id, clock.now(), who.contact, who.level, Origin(Via.LINK))
            )
            return _page(_description(record.incident) + f"<p><strong>{_standing(record.incident, who)}</strong></p>")
        except (LinkRefused, NoSuchIncident) as error:
            return _refused(error)

    return routes


def _question(incident: Incident, who: Answerer) -> str:
    if not isinstance(incident.state, Open) and incident.state.name != "unacknowledged":
        return _description(incident) + f"<p><strong>{_standing(incident, who)}</strong></p>"
    buttons = "".join(
        f'<button name="answer" value="{value}">{text}</button>' for value, text in (("yes", "Yes"), ("no", "No"))
    )
    return f'{_description(incident)}<p>Do you take it?</p><form method="post">{buttons}</form>'


def _standing(incident: Incident, who: Answerer) -> str:
    match incident.state:
        case Acknowledged(contact=contact) if contact == who.contact:
            return "Thank you. You have it."
        case Acknowledged(by=by):
            return f"{escape(by)} has it."
        case Resolved():
            return "It is over. Nothing needs to be done."
        case Cancelled(declined=True):
            return "It was declined and is closed."
        case Cancelled():
            return "It was called off. Nothing needs to be done."
        case _:
            return "Thank you. Your answer has been noted."


def _description(incident: Incident) -> str:
    link = (
        f'<p><a href="{escape(incident.url)}" rel="noreferrer">{escape(incident.url)}</a></p>' if incident.url else ""
    )
    return f"<h1>{escape(incident.description)}</h1>{link}"


def _refused(error: Exception) -> Response:
    return _page(f"<h1>This link cannot be used</h1><p>{escape(str(error))}</p>", HTTPStatus.FORBIDDEN)


def _page(content: str, status: HTTPStatus = HTTPStatus.OK) -> Response:
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><style>{_STYLE}</style>'
    document = f'<!doctype html><html lang="en"><head><title>Incident</title>{head}</head><body>{content}</body></html>'
    return Response(document, status, headers=_HEADERS, content_type="text/html; charset=utf-8")
