"""Phones: what was sent on this machine, as its readers have it, and answering in their place."""

from __future__ import annotations

from itertools import groupby

from flask import Blueprint, Response, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from service.console import calls
from service.console.forms import takes_form
from service.console.guard import signed_in
from service.http import EndpointCall, not_found, plumbing

LIST = "outbox.list_outbox"
LISTED = 200
MOST_PHONES = 12
EMAIL_POLICY = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'"


def add_to(routes: Blueprint) -> None:
    """Serve the phones, their live part, their answers and what is heard."""
    _add_phones(routes)
    _add_media(routes)


def _add_phones(routes: Blueprint) -> None:
    @routes.get("/phones")
    def phones() -> str:
        return render_template("phones/page.html", **_phones())

    @routes.get("/phones/live")
    def phones_live() -> str:
        return render_template("phones/_page.html", **_phones())

    @takes_form(routes, "/phones", "simulator.simulate_sms")
    def answer() -> AnyResponse:
        body = {"from": request.form.get("from", ""), "body": request.form.get("body", "")}
        calls.send("simulator.simulate_sms", body)
        return redirect("/console/phones", 303)


def _phones() -> dict[str, object]:
    messages = sorted(calls.read(LIST, {"limit": LISTED})["items"], key=lambda each: (str(each["to"]), str(each["at"])))
    owners = [(to, list(sent)) for to, sent in groupby(messages, key=lambda each: str(each["to"]))]
    owners.sort(key=lambda owner: str(owner[1][-1]["at"]), reverse=True)
    return {"owners": owners[:MOST_PHONES], "may_answer": calls.is_there("simulator.simulate_sms")}


def _add_media(routes: Blueprint) -> None:
    @routes.get("/phones/<entry_id>.mp3")
    def hear(entry_id: str) -> Response:
        view = calls.endpoint_of("outbox.hear_outbox")
        answer = view.answer(plumbing(), EndpointCall(signed_in(), {"entry_id": entry_id}, {}, b"", "", {}))
        if isinstance(answer, Response) or not isinstance(answer.content, bytes):
            raise not_found("There is no such voice message.")
        return Response(answer.content, mimetype="audio/mpeg")

    @routes.get("/phones/<entry_id>.html")
    def show_email(entry_id: str) -> Response:
        for message in calls.read(LIST, {"limit": LISTED})["items"]:
            if message["id"] == entry_id and message["html"]:
                headers = {"Content-Security-Policy": EMAIL_POLICY, "X-Frame-Options": "SAMEORIGIN"}
                return Response(message["html"], mimetype="text/html", headers=headers)
        raise not_found("There is no such mail.")
