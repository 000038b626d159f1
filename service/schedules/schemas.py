"""The shapes of requests and answers about schedules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated

from pydantic import Field

from service.escalate import IncidentBody
from service.http import Body, Cursor, Limit, Query, Shown, shown_by
from service.notify import NotificationRequest

CronText = Annotated[str, Field(max_length=200, description="Minute, hour, day of month, month, day of week.")]
ZoneText = Annotated[str, Field(max_length=64, description="IANA name, such as Europe/Berlin")]


class NewSchedule(Body):
    """When, on whose clock, and what: either an incident or a notification, as its own call takes it."""

    model_config = shown_by(
        {
            "cron": "0 9 * * MON",
            "timezone": "Europe/Berlin",
            "notification": {"text": "The canteen opens at noon.", "audience": "staff"},
        }
    )

    cron: CronText
    timezone: ZoneText = "UTC"
    incident: IncidentBody | None = None
    notification: NotificationRequest | None = None


class ScheduleChange(Body):
    """What is to be other than it is; what is left out stays."""

    model_config = shown_by({"cron": "30 9 * * MON"})

    cron: (
        Annotated[str, Field(max_length=200, description="Minute, hour, day of month, month, day of week.")] | None
    ) = None
    timezone: ZoneText | None = None
    incident: IncidentBody | None = None
    notification: NotificationRequest | None = None


class ScheduleQuery(Query):
    """Which part of the list."""

    cursor: Cursor | None = None
    limit: Limit = 50


class ShownOccurrence(Shown):
    """What the last occurrence made, or the problem that kept it from that."""

    at: str
    id: str
    problem: str | None = None


class ShownSchedule(Shown):
    """A schedule; contacts in full for keys that have the scope `pii`.

    `next_runs` are its next five occurrences, none while it is paused: `paused_at` says since when.
    """

    schedule_id: str
    cron: str
    timezone: str
    incident: Mapping[str, object] | None = None
    notification: Mapping[str, object] | None = None
    created_at: str
    next_at: str
    next_runs: Sequence[str]
    paused_at: str | None = None
    last: ShownOccurrence | None = None


class ScheduleList(Shown):
    """Schedules, oldest first."""

    items: Sequence[ShownSchedule]
    next_cursor: str | None
