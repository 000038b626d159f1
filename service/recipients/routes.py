"""Recipients and audiences over HTTP."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Annotated

from flask import Blueprint
from pydantic import Field

from service.channels import AddressesBody, ContactRefused, asked_address, asked_phone
from service.core import Scope
from service.http import Answer, Cursor, FieldError, Limit, Query, Shown, endpoint, invalid, not_found
from service.recipients import import_routes
from service.recipients.directory import Directory
from service.recipients.people import Profile, Profiles
from service.recipients.profile import ProfileRefused, ProfileRules, Recipient, is_id


class Suppressed(Shown):
    """What this person is not sent on a channel: `bulk`, all `notifications`, or `everything`, incidents too."""

    channel: str
    why: str
    since: datetime
    topic: str


class _ShownProfile(Shown):
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


class ShownProfile(AddressesBody, _ShownProfile):
    """A stored profile."""


class RecipientList(Shown):
    """A page of recipients, by id; it may hold fewer than `limit` although more follow."""

    items: tuple[ShownProfile, ...]
    next_cursor: str | None


class RecipientQuery(Query):
    """Which recipients."""

    search: Annotated[
        str | None, Field(min_length=1, max_length=100, description="What the id or first name holds, in any case.")
    ] = None
    phone: Annotated[str | None, Field(max_length=40, description="Those with this phone, E.164.")] = None
    email: Annotated[str | None, Field(max_length=254, description="Those with this address.")] = None
    cursor: Cursor | None = None
    limit: Limit = 50


class Audience(Shown):
    """An audience and how many belong to it."""

    audience: str
    size: int


class ListedAudience(Shown):
    """An audience in a list."""

    audience: str
    changed_at: datetime | None


class AudienceList(Shown):
    """A page of audiences, by name."""

    items: tuple[ListedAudience, ...]
    next_cursor: str | None


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


def blueprint(
    directory: Directory, rules: ProfileRules, suppressed: SuppressedOf, erased: Callable[[Recipient], None]
) -> Blueprint:
    """All calls about recipients. `erased` is told of whoever is erased, before it is done."""
    routes = Blueprint("recipients", __name__)
    _add_put(routes, directory, rules)
    _add_reads(routes, directory, suppressed)
    _add_erase(routes, directory, erased)
    _add_list(routes, directory)
    _add_audience(routes, directory, rules)
    _add_leaving(routes, directory)
    _add_audiences(routes, directory)
    import_routes.add_imports(routes, directory, rules)
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
        """Replaces the whole profile; it stays in its audiences, and joins the one it names. 201 for a new one."""
        fields = body.model_dump(exclude_none=True)
        audience = fields.pop("audience", None)
        if audience is not None:
            _check_audience(audience)
        if fields.setdefault("user_id", user_id) != user_id:
            raise invalid([FieldError("user_id", "is another than the address names: leave it out")])
        (recipient,) = _parsed([fields], rules, "")
        created = directory.put(recipient)
        if audience is not None:
            directory.add(audience, [recipient])
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


def _add_erase(routes: Blueprint, directory: Directory, erased: Callable[[Recipient], None]) -> None:
    @endpoint(
        routes,
        "DELETE",
        "/v1/recipients/<user_id>",
        summary="Erase a recipient",
        scope=Scope.RECIPIENTS,
        answers={204: None},
    )
    def delete_recipient(user_id: str) -> Answer:
        """Removes the contact data, which stands nowhere else in the directory, and leaves every audience.

        Incidents forget within minutes what this person answered in words.
        """
        if (person := directory.get(user_id)) is not None:
            erased(person)
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
        elsewhere = [n for n, member in enumerate(body.recipients) if member.audience not in (None, audience)]
        if elsewhere:
            raise invalid(
                [FieldError(f"recipients[{n}].audience", f"must be {audience}, or left out") for n in elsewhere]
            )
        profiles = [profile.model_dump(exclude_none=True, exclude={"audience"}) for profile in body.recipients]
        directory.add(audience, _parsed(profiles, rules, "recipients"))
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
        """In the order of their ids; 404 for an audience that was never named, or was deleted."""
        _check_audience(audience)
        _there_is(directory, audience)
        page = directory.members(audience, cursor=query.cursor, limit=query.limit)
        return {"items": [recipient.as_json() for recipient in page.items], "next_cursor": page.cursor}


def _add_list(routes: Blueprint, directory: Directory) -> None:
    @endpoint(
        routes,
        "GET",
        "/v1/recipients",
        summary="List and search recipients",
        scope=Scope.RECIPIENTS,
        query=RecipientQuery,
        answers={200: RecipientList},
    )
    def list_recipients_of_all(query: RecipientQuery) -> Mapping[str, object]:
        """By id; by part of an id or first name, or by phone or address in full."""
        if query.phone is not None or query.email is not None:
            held = directory.with_contact(*_asked(query))
            return {"items": [recipient.as_json() for recipient in held], "next_cursor": None}
        page = directory.search(query.search, query.cursor, query.limit)
        return {"items": [recipient.as_json() for recipient in page.items], "next_cursor": page.cursor}


def _asked(query: RecipientQuery) -> tuple[str | None, str | None]:
    """The phone and the address that are asked for; 422 for what can be none, and for a search beside them."""
    wanted = (("phone", query.phone, asked_phone), ("email", query.email, asked_address))
    contacts: dict[str, str] = {}
    errors: list[FieldError] = []
    if query.search is not None:
        errors.append(FieldError("search", "is not looked at beside a phone or an address: leave it out"))
    for name, text, read in wanted:
        if text is None:
            continue
        try:
            contacts[name] = read(text)
        except ContactRefused as error:
            errors.append(FieldError(name, str(error)))
    if errors:
        raise invalid(errors)
    return contacts.get("phone"), contacts.get("email")


def _add_leaving(routes: Blueprint, directory: Directory) -> None:
    @endpoint(
        routes,
        "DELETE",
        "/v1/audiences/<audience>/recipients/<user_id>",
        summary="Take a recipient out of an audience",
        scope=Scope.RECIPIENTS,
        answers={204: None},
    )
    def leave_audience(audience: str, user_id: str) -> Answer:
        """The profile stays, and so do other audiences."""
        if not directory.leave(audience, user_id):
            raise not_found(f"{user_id!r} does not belong to {audience!r}.")
        return Answer(status=204)

    @endpoint(
        routes,
        "DELETE",
        "/v1/audiences/<audience>",
        summary="Delete an audience",
        scope=Scope.RECIPIENTS,
        answers={204: None},
    )
    def delete_audience(audience: str) -> Answer:
        """Nobody belongs to it from now on; the profiles stay. What is being sent to it goes on: cancel that."""
        if not directory.audiences.delete(audience):
            raise not_found(f"There is no audience {audience!r}.")
        return Answer(status=204)


def _add_audiences(routes: Blueprint, directory: Directory) -> None:
    @endpoint(
        routes,
        "GET",
        "/v1/audiences",
        summary="List audiences",
        scope=Scope.RECIPIENTS,
        query=PageQuery,
        answers={200: AudienceList},
    )
    def list_audiences(query: PageQuery) -> AudienceList:
        """By name."""
        page = directory.audiences.listed(query.cursor, query.limit)
        items = tuple(ListedAudience(audience=record.name, changed_at=record.changed_at) for record in page.items)
        return AudienceList(items=items, next_cursor=page.cursor)

    @endpoint(
        routes,
        "GET",
        "/v1/audiences/<audience>",
        summary="Read an audience",
        scope=Scope.RECIPIENTS,
        answers={200: Audience},
    )
    def get_audience(audience: str) -> Audience:
        """How many belong to it."""
        _there_is(directory, audience)
        return Audience(audience=audience, size=directory.size(audience))


def _there_is(directory: Directory, audience: str) -> None:
    if not directory.audiences.exists(audience):
        raise not_found(f"There is no audience {audience!r}. Add a recipient to it: that creates it.")


def _parsed(profiles: Sequence[Mapping[str, object]], rules: ProfileRules, place: str) -> Sequence[Recipient]:
    parsed: list[Recipient] = []
    errors: list[FieldError] = []
    for number, raw in enumerate(profiles):
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
