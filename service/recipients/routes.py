"""Recipients and audiences over HTTP."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Annotated

from flask import Blueprint
from pydantic import Field

from service.core.enums import Scope
from service.http import Answer, Body, Cursor, FieldError, Limit, Query, Shown, endpoint, invalid, not_found
from service.recipients.directory import MAX_AT_ONCE, Directory
from service.recipients.profile import ProfileRefused, ProfileRules, Recipient, is_id


class Profile(Body):
    """How a person is reached."""

    user_id: str | None = Field(None, description="1 to 64 letters, digits, `-` and `_`.")
    first_name: str | None = None
    email: str | None = None
    phone: str | None = Field(None, description="E.164, for example +447700900123.")
    language: str | None = Field(None, description="BCP 47, for example pt-BR.")
    preference: str | None = Field(None, description="`email`, `sms` or `voice`.")
    voice_locale: str | None = Field(None, description="BCP 47; the language where it is missing.")
    timezone: str | None = Field(None, description="IANA name, for example Europe/Berlin.")


class Profiles(Body):
    """Profiles that are stored and counted among an audience."""

    recipients: Annotated[tuple[Profile, ...], Field(min_length=1, max_length=MAX_AT_ONCE, strict=False)]


class Suppressed(Shown):
    """What this person is not sent on a channel: `bulk`, all `notifications`, or `everything`, incidents too."""

    channel: str
    why: str
    since: datetime
    topic: str


class ShownProfile(Shown):
    """A stored profile."""

    user_id: str
    first_name: str
    language: str
    preference: str
    email: str | None = None
    phone: str | None = None
    voice_locale: str | None = None
    timezone: str | None = None
    audiences: tuple[str, ...] = ()
    suppressed: tuple[Suppressed, ...] = ()


class Audience(Shown):
    """An audience and how many belong to it."""

    audience: str
    size: int


class Members(Shown):
    """One page of an audience."""

    items: tuple[ShownProfile, ...]
    next_cursor: str | None


class PageQuery(Query):
    """Which page."""

    cursor: Cursor | None = None
    limit: Limit = 50


SuppressedOf = Callable[[Recipient], Sequence[Mapping[str, object]]]
"""The opt-outs of a recipient's phone and address, as `Suppressed` shows them."""


def blueprint(directory: Directory, rules: ProfileRules, suppressed: SuppressedOf) -> Blueprint:
    """All calls about recipients."""
    routes = Blueprint("recipients", __name__)
    _add_put(routes, directory, rules)
    _add_reads(routes, directory, suppressed)
    _add_audience(routes, directory, rules)
    return routes


def _add_put(routes: Blueprint, directory: Directory, rules: ProfileRules) -> None:
    @endpoint(
        routes,
        "PUT",
        "/v1/recipients/<user_id>",
        summary="Store a recipient",
        scope=Scope.RECIPIENTS,
        body=Profile,
        answers={200: ShownProfile, 201: ShownProfile},
    )
    def put_recipient(user_id: str, body: Profile) -> Answer:
        """Replaces the whole profile; the audiences stay as they are. 201 for a new one."""
        said = body.model_dump(exclude_none=True)
        if said.setdefault("user_id", user_id) != user_id:
            raise invalid([FieldError("user_id", "is another than the address names: leave it out")])
        (recipient,) = _parsed([said], rules, "")
        created = directory.put(recipient)
        return Answer(_shown(directory, recipient), status=201 if created else 200)


def _add_reads(routes: Blueprint, directory: Directory, suppressed: SuppressedOf) -> None:
    @endpoint(
        routes,
        "GET",
        "/v1/recipients/<user_id>",
        summary="Read a recipient",
        scope=Scope.RECIPIENTS,
        answers={200: ShownProfile},
    )
    def get_recipient(user_id: str) -> Mapping[str, object]:
        """The profile, the audiences it belongs to, and what opt-outs keep from it."""
        if (recipient := directory.get(user_id)) is None:
            raise not_found(f"There is no recipient {user_id!r}.")
        return {**_shown(directory, recipient), "suppressed": suppressed(recipient)}

    @endpoint(
        routes,
        "DELETE",
        "/v1/recipients/<user_id>",
        summary="Erase a recipient",
        scope=Scope.RECIPIENTS,
        answers={204: None},
    )
    def delete_recipient(user_id: str) -> Answer:
        """Removes the contact data, which stands nowhere else in the directory, and leaves every audience."""
        if not directory.remove(user_id):
            raise not_found(f"There is no recipient {user_id!r}.")
        return Answer(status=204)


def _add_audience(routes: Blueprint, directory: Directory, rules: ProfileRules) -> None:
    @endpoint(
        routes,
        "POST",
        "/v1/audiences/<audience>/recipients",
        summary="Store recipients and add them to an audience",
        scope=Scope.RECIPIENTS,
        body=Profiles,
        answers={200: Audience},
        creates=True,
        body_limit=1024 * 1024,
    )
    def add_recipients(audience: str, body: Profiles) -> Mapping[str, object]:
        """Up to 1,000 a call. Nothing is stored if one profile does not fit; adding somebody twice changes nothing."""
        _check_audience(audience)
        said = [profile.model_dump(exclude_none=True) for profile in body.recipients]
        directory.add(audience, _parsed(said, rules, "recipients"))
        return {"audience": audience, "size": directory.size(audience)}

    @endpoint(
        routes,
        "GET",
        "/v1/audiences/<audience>/recipients",
        summary="List an audience",
        scope=Scope.RECIPIENTS,
        query=PageQuery,
        answers={200: Members},
    )
    def list_recipients(audience: str, query: PageQuery) -> Mapping[str, object]:
        """In the order of their ids; nobody belongs to an audience that was never named."""
        _check_audience(audience)
        page = directory.members(audience, cursor=query.cursor, limit=query.limit)
        return {"items": [recipient.as_json() for recipient in page.items], "next_cursor": page.cursor}


def _parsed(said: Sequence[Mapping[str, object]], rules: ProfileRules, place: str) -> Sequence[Recipient]:
    parsed: list[Recipient] = []
    errors: list[FieldError] = []
    for number, raw in enumerate(said):
        try:
            parsed.append(rules.parse(raw))
        except ProfileRefused as refused:
            within = f"{place}[{number}]." if place else ""
            errors += [FieldError(within + fault.path, fault.message) for fault in refused.faults]
    if errors:
        raise invalid(errors)
    return parsed


def _check_audience(audience: str) -> None:
    if not is_id(audience):
        raise invalid([FieldError("audience", "must be 1 to 64 letters, digits, - or _")])


def _shown(directory: Directory, recipient: Recipient) -> Mapping[str, object]:
    member = directory.member(recipient.user_id)
    return {**recipient.as_json(), "audiences": member.audiences if member else ()}
