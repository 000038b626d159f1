"""Changing one person: the profile, the audiences they belong to, and erasing them."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256

from flask import Blueprint, make_response, redirect, render_template, request
from werkzeug.wrappers import Response

from service.channels import CHANNELS, OWN_FIELDS
from service.console import calls
from service.console.form_faults import FormFaults, form_faults
from service.console.forms import takes_form
from service.http import Problem, ProblemType

PUT = "recipients.put_recipient"
ERASE = "recipients.delete_recipient"
CHANGED = (
    "Somebody else changed this person meanwhile. What you typed is below: look at their page, then save it again."
)
LABELS = {
    "user_id": "Id",
    "first_name": "First name",
    "language": "Language",
    "preference": "Is written to by",
    "phone": "Phone",
    "email": "Mail",
    "timezone": "Time zone",
    "voice_locale": "Voice",
    **{name: about.label for name, about in OWN_FIELDS.items()},
    "audience": "Audience",
}
FIELDS = tuple(name for name in LABELS if name != "user_id")


def add_to(routes: Blueprint) -> None:
    """Serve the pages."""
    _add_profile(routes)
    _add_erase(routes)

    @takes_form(routes, "/people/<user_id>/audiences/<audience>/leave", "recipients.leave_audience")
    def take_out(user_id: str, audience: str) -> Response:
        calls.send("recipients.leave_audience", user_id=user_id, audience=audience)
        return redirect(f"/console/people/{user_id}", 303)


def _add_profile(routes: Blueprint) -> None:
    @routes.get("/people/new")
    def add_person() -> str:
        return _form({}, is_new=True)

    @routes.get("/people/<user_id>/edit")
    def edit_person(user_id: str) -> str:
        person = calls.read("recipients.get_recipient", user_id=user_id)
        return _form(person, is_new=False, seen=_digest(person))

    @takes_form(routes, "/people", PUT)
    def save_person() -> str | Response:
        given = {name: text.strip() for name, text in request.form.items() if text.strip()}
        user_id = given.get("user_id", "")
        body = {name: given[name] for name in FIELDS if name in given}
        if "is_new" not in given and (changed := _changed_since(user_id, given.get("seen", ""))):
            return make_response(_form(given, is_new=False, detail=CHANGED, seen=changed), 409)
        if "is_new" in given and _is_known(user_id):
            return make_response(
                _form(
                    given,
                    is_new=True,
                    detail=f"{user_id} exists already. Change that person on their own page, or choose another id.",
                ),
                409,
            )
        try:
            calls.send(PUT, body, user_id=user_id)
        except Problem as problem:
            return _refused(given, problem)
        return redirect(f"/console/people/{user_id}", 303)


def _refused(given: Mapping[str, str], problem: Problem) -> Response:
    if problem.type is not ProblemType.INVALID:
        raise problem
    return make_response(_form(given, is_new="is_new" in given, problem=problem), problem.type.status)


def _changed_since(user_id: str, seen: str) -> str | None:
    """The digest of the profile as it is now, where it is another than the form was made from."""
    now = _digest(calls.read("recipients.get_recipient", user_id=user_id))
    return None if now == seen else now


def _digest(person: calls.Document) -> str:
    """Stands for a profile as it was shown."""
    return sha256(repr([person.get(name) for name in FIELDS]).encode()).hexdigest()[:16]


def _is_known(user_id: str) -> bool:
    try:
        calls.read("recipients.get_recipient", user_id=user_id)
    except Problem:
        return False
    return True


def _form(
    given: calls.Document, *, is_new: bool, problem: Problem | None = None, detail: str = "", seen: str = ""
) -> str:
    faults = form_faults(problem, LABELS) if problem else FormFaults({}, detail)
    return render_template(
        "people/edit.html",
        given=given,
        errors=faults.errors,
        detail=faults.notice,
        is_new=is_new,
        seen=seen or given.get("seen"),
        channels=[(channel.value, kind.word) for channel, kind in CHANNELS.items()],
        own_fields=OWN_FIELDS,
        shows_more=any(given.get(name) for name in ("timezone", "voice_locale", *OWN_FIELDS)),
    )


def _add_erase(routes: Blueprint) -> None:
    @routes.get("/people/<user_id>/erase")
    def ask_to_erase(user_id: str) -> str:
        return _ask(user_id, "")

    @takes_form(routes, "/people/<user_id>/erase", ERASE)
    def erase(user_id: str) -> str | Response:
        typed = request.form.get("typed", "").strip()
        if typed != user_id:
            return make_response(_ask(user_id, f"“{typed}” is not “{user_id}”: nobody was erased."), 422)
        calls.send(ERASE, user_id=user_id)
        return redirect("/console/people", 303)


def _ask(user_id: str, detail: str) -> str:
    person = calls.read("recipients.get_recipient", user_id=user_id)
    return render_template("people/erase.html", person=person, detail=detail)
