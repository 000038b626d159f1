"""The console's pages put together: guard, frame, sign-in and one module a kind of page."""

from __future__ import annotations

import secrets
from http import HTTPStatus

from flask import Blueprint, Response, make_response, render_template, request

from service.console import calls, guard, words
from service.console.assets import Assets
from service.console.guard import PageGuard
from service.console.pages import (
    editing,
    events,
    find,
    gap_map,
    home,
    incidents,
    messages,
    people,
    people_changes,
    people_files,
    phones,
    proposals,
    pulse,
    requests,
    reviews,
    rules,
    schedules,
    system,
    table,
    texts,
    translations,
    trials,
    versions,
    writing,
)
from service.console.sessions import Sessions
from service.console.sign_in import SignIn
from service.core import Clock, Unavailable
from service.http import Keys, Problem, not_found, request_ids
from service.storage import BadCursor, Conflict, Store

PAGES = (
    *(home, find, incidents, messages, writing, schedules, requests, reviews, translations),
    *(
        rules,
        texts,
        editing,
        versions,
        gap_map,
        proposals,
        trials,
        events,
        people,
        people_changes,
        people_files,
        phones,
        system,
        pulse,
        table,
    ),
)

FORM_LIMIT = 7 * 1024 * 1024
"""Bytes of a form: a rule file of 4 MiB fits, also a workbook of 4 MiB as text."""


def blueprint(store: Store, keys: Keys, clock: Clock, *, behind_tls: bool = False) -> Blueprint:
    """The console. `behind_tls`: a proxy ends TLS, as the public address says."""
    routes = Blueprint("console", __name__, url_prefix=guard.ROOT, template_folder="templates")
    sessions = Sessions(store, keys, clock)
    entrance = PageGuard(sessions, behind_tls=behind_tls)
    routes.before_request(entrance.admit)
    routes.before_request(_allow_large_forms)
    routes.after_request(guard.complete)
    assets = Assets()
    assets.add_to(routes)
    SignIn(store, keys, sessions, clock, entrance).add_to(routes)
    for page in PAGES:
        page.add_to(routes)
    _add_frame(routes, assets, clock)
    _add_errors(routes)
    return routes


def _allow_large_forms() -> None:
    if guard.is_signed_in():
        request.max_content_length = request.max_form_memory_size = FORM_LIMIT


def _add_frame(routes: Blueprint, assets: Assets, clock: Clock) -> None:
    routes.add_app_template_filter(words.status, "status")
    routes.add_app_template_filter(words.moment, "moment")
    routes.add_app_template_filter(words.number, "number")
    routes.add_app_template_filter(words.money, "money")
    routes.add_app_template_filter(words.pretty, "pretty")
    routes.add_app_template_filter(words.as_query, "as_query")

    @routes.app_template_filter("ago")
    def ago(value: str | None) -> str:
        return words.ago(value, clock.now())

    @routes.context_processor
    def frame() -> dict[str, object]:
        name = guard.signed_in().name if guard.is_signed_in() else ""
        return {"asset": assets.url, "signed_in_as": name, "may_call": calls.may_call, "fresh_id": _fresh_id}


def _fresh_id() -> str:
    """Names one form, so that a double click makes one thing."""
    return secrets.token_urlsafe(12)


def _add_errors(routes: Blueprint) -> None:
    @routes.errorhandler(Problem)
    def problem(error: Problem) -> Response:
        return _error_page(error.type.title, error.detail, error.type.status)

    @routes.errorhandler(Unavailable)
    def unavailable(_error: Unavailable) -> Response:
        detail = "The database does not answer right now. Nothing is lost; try again in a moment."
        return _error_page("Not available", detail, HTTPStatus.SERVICE_UNAVAILABLE)

    @routes.errorhandler(BadCursor)
    def bad_cursor(_error: BadCursor) -> Response:
        detail = "The address of this part is of another list, or was cut off. Open the list anew."
        return _error_page("Not this part of the list", detail, HTTPStatus.UNPROCESSABLE_ENTITY)

    @routes.errorhandler(Conflict)
    def conflict(_error: Conflict) -> Response:
        detail = "Somebody else changed it at the same moment. Go back, look at it again and repeat what you did."
        return _error_page("Changed meanwhile", detail, HTTPStatus.CONFLICT)

    @routes.get("/<path:anything>")
    def nowhere(anything: str) -> Response:
        raise not_found(f"There is no page {guard.ROOT}/{anything}.")


def _error_page(title: str, detail: str, status: int) -> Response:
    page = render_template("error.html", title=title, detail=detail, request_id=request_ids.current())
    return make_response(page, status)
