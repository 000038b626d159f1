"""Messages: what was sent, one message and what became of it, stopping it, and sending again."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Blueprint, redirect, render_template, request
from werkzeug.wrappers import Response

from service.console import calls, harm_limits
from service.console.forms import takes_form

LIST = "notifications.list_notifications"
SHOW = "notifications.show_notification"
LISTED = 50
FILTERS = ("status", "audience", "recipient", "template", "app", "reference")
OVER = frozenset({"completed", "completed_with_failures", "rejected", "cancelled"})
"""States in which nothing changes any more."""

WAITING = frozenset({"pending", "sending", "needs_translation"})
"""States of copies that have not left."""


def add_to(routes: Blueprint) -> None:
    """Serve the pages."""
    _add_list(routes)
    _add_one(routes)
    _add_actions(routes)


def _add_list(routes: Blueprint) -> None:
    @routes.get("/messages")
    def messages() -> str:
        wanted = {name: text for name in FILTERS if (text := request.args.get(name, "").strip())}
        page = calls.read(LIST, {**wanted, "cursor": request.args.get("cursor"), "limit": LISTED})
        return render_template("messages/list.html", page=page, wanted=wanted)


def _add_one(routes: Blueprint) -> None:
    @routes.get("/messages/<message_id>")
    def message(message_id: str) -> str:
        return render_template("messages/page.html", **_one(message_id))

    @routes.get("/messages/<message_id>/live")
    def message_live(message_id: str) -> str:
        return render_template("messages/_page.html", **_one(message_id))

    @routes.get("/messages/<message_id>/deliveries")
    def deliveries(message_id: str) -> str:
        wanted = {"status": request.args.get("status"), "cursor": request.args.get("cursor"), "limit": LISTED}
        page = calls.read("notifications.list_deliveries", wanted, notification_id=message_id)
        return render_template("messages/deliveries.html", id=message_id, page=page, status=wanted["status"])


def _one(message_id: str) -> dict[str, object]:
    shown = calls.read(SHOW, notification_id=message_id)
    counts: Mapping[str, int] = shown["counts"]["status"]
    done = sum(number for state, number in counts.items() if state not in WAITING)
    judged = bool(shown["decision"] and shown["decision"]["harm"])
    limits = harm_limits.limits() if judged else ()
    return {"message": shown, "is_over": shown["status"] in OVER, "done": done, "limits": limits}


def _add_actions(routes: Blueprint) -> None:
    @routes.get("/messages/<message_id>/stop")
    def ask_to_stop(message_id: str) -> str:
        return render_template("messages/stop.html", **_one(message_id))

    @takes_form(routes, "/messages/<message_id>/stop", "notifications.cancel_notification")
    def stop(message_id: str) -> Response:
        calls.send("notifications.cancel_notification", notification_id=message_id)
        return redirect(f"/console/messages/{message_id}", 303)

    @takes_form(routes, "/messages/<message_id>/again", "notifications.retry_notification")
    def send_again(message_id: str) -> Response:
        calls.send("notifications.retry_notification", {}, notification_id=message_id)
        return redirect(f"/console/messages/{message_id}", 303)
