"""Reading the audit."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Literal

from flask import Blueprint
from pydantic import Field

from service.audit.entry import EntryType, as_json
from service.core import Scope
from service.http import Cursor, Instant, Limit, Query, Shown, endpoint, not_found
from service.storage import AuditQuery, Store

LIST = "/v1/audit"
"""The path of the list, whose cursors the shell also reads."""


class AuditSearch(Query):
    """Which entries to list; without anything, all of them."""

    request_id: Annotated[str | None, Field(description="Entries of this request.")] = None
    ruleset: Annotated[str | None, Field(description="Entries of this ruleset.")] = None
    entry_type: Annotated[EntryType | None, Field(description="Entries of this type.")] = None
    since: Annotated[Instant | None, Field(alias="from", description="Not before this time (RFC 3339).")] = None
    until: Annotated[Instant | None, Field(alias="to", description="Before this time (RFC 3339).")] = None
    order: Annotated[Literal["oldest", "newest"], Field(description="Which comes first.")] = "oldest"
    cursor: Cursor | None = None
    limit: Limit = 50


class ShownEntry(Shown):
    """One entry. `raw_data` is JSON text as it was received or answered; `detail` names version and fired rules.

    `data` is `raw_data` read: null for what is no JSON, such as the ancestor's XML.
    """

    audit_id: str
    request_id: str
    entry_type: str
    time_stamp: datetime
    app: str
    ruleset: str | None
    raw_data: str
    data: object
    detail: Mapping[str, object]


class EntryList(Shown):
    """A page of entries in time order."""

    items: tuple[ShownEntry, ...]
    next_cursor: str | None


def blueprint(store: Store) -> Blueprint:
    """The audit's two reads."""
    routes = Blueprint("audit", __name__)

    @endpoint(
        routes,
        "GET",
        LIST,
        summary="Search the audit",
        scope=Scope.AUDIT,
        query=AuditSearch,
        answers={200: EntryList},
    )
    def search_audit(query: AuditSearch) -> Mapping[str, object]:
        """Entries of a request, a ruleset, a type or a time, oldest first unless `order` says otherwise."""
        newest_first = query.order == "newest"
        wanted = AuditQuery(
            query.request_id, query.ruleset, query.since, query.until, query.entry_type, newest_first=newest_first
        )
        page = store.audit_entries(wanted, cursor=query.cursor, limit=query.limit)
        return {"items": [as_json(entry) for entry in page.items], "next_cursor": page.cursor}

    @endpoint(
        routes,
        "GET",
        "/v1/audit/<audit_id>",
        summary="Read one audit entry",
        scope=Scope.AUDIT,
        answers={200: ShownEntry},
    )
    def read_audit_entry(audit_id: str) -> Mapping[str, object]:
        """One entry by its id."""
        entry = store.audit_entry(audit_id)
        if entry is None:
            raise not_found(f"There is no audit entry {audit_id!r}.")
        return as_json(entry)

    return routes
