"""Opt-outs over HTTP: listed, and lifted where they were a mistake."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from flask import Blueprint
from pydantic import Field

from service.channels import ContactKind, ended_by, masked
from service.core import Channel, Clock, Scope, exact_json, ids, timestamp
from service.http import Answer, Caller, Cursor, Limit, Query, Shown, endpoint, not_found
from service.messages.optouts import ListedOptOut, OptOut, OptOuts
from service.messages.routes import contact_in_query
from service.recipients import Directory, Recipient
from service.storage import AuditEntry, Store

OPTOUT_ADDED, OPTOUT_LIFTED = "opt-out-added", "opt-out-lifted"
"""The types of the audit's entries about opt-outs."""


class OptOutQuery(Query):
    """Which opt-outs to list."""

    contact: Annotated[str | None, Field(max_length=320, description="Only those of this phone or address.")] = None
    cursor: Cursor | None = None
    limit: Limit = 50


class ShownOptOut(Shown):
    """What is not sent to one phone or address, and why.

    `topic` is what has ended: `bulk`, all `notifications`, or `everything`, incidents too. `contact` is known where a
    recipient has it, and in full for keys that have the scope `pii`.
    """

    id: str
    channels: tuple[Channel, ...]
    why: str
    topic: str
    since: datetime
    recipients: tuple[str, ...]
    contact: str | None


class OptOutList(Shown):
    """A page of opt-outs."""

    items: tuple[ShownOptOut, ...]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class OptOutView:
    """Opt-outs with the recipients they are about."""

    opt_outs: OptOuts
    directory: Directory

    def shown(self, listed: ListedOptOut, *, in_full: bool) -> Mapping[str, object]:
        """One opt-out as the API and the command line show it."""
        holders = self.directory.holders(listed.contact, listed.key)
        contact = next((_contact(holder, listed.contact) for holder in holders), None)
        return {
            "id": listed.id,
            "channels": [channel.value for channel in ended_by(ContactKind(listed.contact))],
            **_said(listed.opt_out),
            "recipients": [holder.user_id for holder in holders],
            "contact": contact if in_full else masked(contact),
        }


def blueprint(opt_outs: OptOuts, directory: Directory, store: Store, clock: Clock) -> Blueprint:
    """The calls about opt-outs."""
    routes = Blueprint("opt-outs", __name__)
    _add_list(routes, OptOutView(opt_outs, directory))
    _add_lift(routes, opt_outs, store, clock)
    return routes


def suppressed(opt_outs: OptOuts, recipient: Recipient) -> Sequence[Mapping[str, object]]:
    """What a recipient is not sent, by channel."""
    of_phone = () if recipient.phone is None else opt_outs.of_phone(recipient.phone.e164)
    of_email = () if recipient.email is None else opt_outs.of_email(recipient.email)
    return [
        {"channel": channel.value, **_said(listed)}
        for contact, listed_opt_outs in (("email", of_email), ("phone", of_phone))
        for channel in ended_by(ContactKind(contact))
        for listed in listed_opt_outs
    ]


def _add_list(routes: Blueprint, view: OptOutView) -> None:
    @endpoint(
        routes,
        "GET",
        "/v1/optouts",
        summary="List who wants no messages",
        scope=Scope.RECIPIENTS,
        query=OptOutQuery,
        answers={200: OptOutList},
    )
    def list_optouts(query: OptOutQuery, caller: Caller) -> Mapping[str, object]:
        """STOP, unsubscribed, complained, bounced: each ends what its topic says until it is lifted.

        What an earlier version wrote is listed once a worker has looked through the store, and by `contact` at once.
        """
        if query.contact is not None:
            listed, cursor = view.opt_outs.of_contact(contact_in_query("contact", query.contact)), None
        else:
            page = view.opt_outs.listed(query.cursor, query.limit)
            listed, cursor = tuple(page.items), page.cursor
        in_full = Scope.PII in caller.scopes
        return {"items": [view.shown(opt_out, in_full=in_full) for opt_out in listed], "next_cursor": cursor}


def _add_lift(routes: Blueprint, opt_outs: OptOuts, store: Store, clock: Clock) -> None:
    @endpoint(
        routes,
        "DELETE",
        "/v1/optouts/<optout_id>",
        summary="Lift an opt-out",
        scope=Scope.RECIPIENTS,
        answers={204: None},
    )
    def lift_optout(optout_id: str, caller: Caller) -> Answer:
        """Messages may be sent again, unless another opt-out of the same phone or address ends them; audited.

        A carrier that heard STOP keeps a list of its own: only START from the phone ends that.
        """
        listed = opt_outs.lift(optout_id)
        if listed is None:
            raise not_found(f"There is no opt-out {optout_id!r}.")
        store.append(audited_optout(OPTOUT_LIFTED, listed, caller.app, caller.request_id, clock.now()))
        return Answer(status=204)


def audited_optout(entry_type: str, listed: ListedOptOut, by: str, request_id: str, at: datetime) -> AuditEntry:
    """The audit's entry about an opt-out that somebody made or lifted."""
    members = {"why": listed.opt_out.why, "since": timestamp(listed.opt_out.since)}
    detail = {"about": listed.id}
    return AuditEntry(ids.fresh(at), request_id, entry_type, at, by, exact_json.dumps(members), detail=detail)


def _said(opt_out: OptOut) -> Mapping[str, object]:
    return {"why": opt_out.why.value, "topic": opt_out.topic.value, "since": timestamp(opt_out.since)}


def _contact(recipient: Recipient, contact: str) -> str | None:
    if contact == "email":
        return recipient.email
    return None if recipient.phone is None else recipient.phone.e164
