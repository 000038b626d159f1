"""Rosters over HTTP: who is on call, and calendars that follow them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime

from flask import Blueprint

from service.core import Clock, Scope, timestamp
from service.http import Answer, Caller, FieldError, ProblemType, conflict, endpoint, invalid, not_found
from service.rosters import icalendar_feed, schemas
from service.rosters.calendars import Calendar, Calendars, TooManyCalendars, UnknownCalendar, path_of
from service.rosters.roster_file import YEARS
from service.rosters.rosters import Rosters, UnknownRoster
from service.rosters.views import RosterView


def blueprint(rosters: Rosters, view: RosterView, calendars: Calendars, clock: Clock) -> Blueprint:
    """The calls about rosters."""
    routes = Blueprint("rosters", __name__)
    _add_reads(routes, rosters, view, clock)
    _add_calendars(routes, rosters, calendars)
    _add_feed(routes, rosters, view, calendars)
    return routes


def _add_reads(routes: Blueprint, rosters: Rosters, view: RosterView, clock: Clock) -> None:
    @endpoint(
        routes,
        "GET",
        "/v1/rosters",
        summary="List rosters",
        scope=Scope.INCIDENTS,
        query=schemas.RosterQuery,
        answers={200: schemas.RosterList},
    )
    def list_rosters(query: schemas.RosterQuery, caller: Caller) -> Mapping[str, object]:
        """Who is on call on every roster, now or `at` an instant."""
        at, in_full = _instant(query, clock), Scope.PII in caller.scopes
        items = [view.shown(roster, at, with_contact_data=in_full) for roster in rosters.all().values()]
        return {"items": items, "problems": list(rosters.complaints().values())}

    @endpoint(
        routes,
        "GET",
        "/v1/rosters/<name>",
        summary="Ask who is on call",
        scope=Scope.INCIDENTS,
        query=schemas.RosterQuery,
        answers={200: schemas.ShownRoster},
    )
    def show_roster(name: str, query: schemas.RosterQuery, caller: Caller) -> Mapping[str, object]:
        """Who is on call now or `at` an instant, since when, until when, and who follows."""
        with _as_problems():
            roster = rosters.get(name)
        return view.shown(roster, _instant(query, clock), with_contact_data=Scope.PII in caller.scopes)


def _add_calendars(routes: Blueprint, rosters: Rosters, calendars: Calendars) -> None:
    @endpoint(
        routes,
        "POST",
        "/v1/rosters/<name>/calendars",
        summary="Let a calendar follow a roster",
        scope=Scope.INCIDENTS,
        body=schemas.NewCalendar,
        answers={201: schemas.ShownCalendar},
        problems=(ProblemType.CONFLICT,),
    )
    def create_calendar(name: str, body: schemas.NewCalendar = schemas.NewCalendar()) -> Answer:  # noqa: B008  frozen
        """Answers the path of an iCalendar feed, this once. Whoever has it can read the roster until it is revoked."""
        with _as_problems():
            calendar, token = calendars.create(rosters.get(name).name, body.label)
        return Answer({**_shown(calendar), "path": path_of(calendar.roster, token)})

    @endpoint(
        routes,
        "GET",
        "/v1/rosters/<name>/calendars",
        summary="List the calendars of a roster",
        scope=Scope.INCIDENTS,
        answers={200: schemas.CalendarList},
    )
    def list_calendars(name: str) -> Mapping[str, object]:
        """Oldest first; their tokens are stored nowhere."""
        return {"items": [_shown(calendar) for calendar in calendars.of(name)]}

    @endpoint(
        routes,
        "DELETE",
        "/v1/rosters/<name>/calendars/<calendar_id>",
        summary="Revoke a calendar",
        scope=Scope.INCIDENTS,
        answers={204: None},
    )
    def revoke_calendar(name: str, calendar_id: str) -> Answer:
        """Its feed is gone at once."""
        if calendar_id not in {calendar.calendar_id for calendar in calendars.of(name)}:
            raise not_found(f"The roster {name!r} has no calendar {calendar_id!r}.")
        with _as_problems():
            calendars.revoke(calendar_id)
        return Answer(status=204)


def _add_feed(routes: Blueprint, rosters: Rosters, view: RosterView, calendars: Calendars) -> None:
    @endpoint(
        routes,
        "GET",
        "/v1/rosters/<name>/calendar/<token>.ics",
        summary="Follow a roster in a calendar",
        scope=None,
        answers={200: None},
        media_type="text/calendar",
        problems=(ProblemType.NOT_FOUND,),
    )
    def roster_feed(name: str, token: str, caller: Caller) -> Answer:
        """The shifts as iCalendar, from four weeks ago to half a year ahead: names, and no contact data."""
        with _as_problems():
            calendar = calendars.by_token(token)
            if calendar.roster != name:
                raise UnknownCalendar("There is no such calendar.")
            content = icalendar_feed.feed(rosters.get(name), caller.received_at, view.name_of)
        headers = {"Cache-Control": "private, max-age=300"}
        return Answer(content, headers=headers, media_type=icalendar_feed.MEDIA_TYPE)


def _instant(query: schemas.RosterQuery, clock: Clock) -> datetime:
    at = query.at or clock.now()
    if at.year not in YEARS[1:-1]:
        raise invalid([FieldError("at", f"Write a time from {YEARS[1]} to {YEARS[-2]}")])
    return at


def _shown(calendar: Calendar) -> dict[str, object]:
    return {
        "calendar_id": calendar.calendar_id,
        "roster": calendar.roster,
        "label": calendar.label,
        "created_at": timestamp(calendar.created_at),
    }


@contextmanager
def _as_problems() -> Iterator[None]:
    try:
        yield
    except UnknownRoster as error:
        raise not_found(f"{error}.".replace("there", "There", 1)) from error
    except UnknownCalendar as error:
        raise not_found(str(error)) from error
    except TooManyCalendars as error:
        raise conflict(str(error)) from error
