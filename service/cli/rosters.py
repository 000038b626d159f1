"""`tocsin rosters`: who is on call, and calendars that follow rosters."""

from __future__ import annotations

from datetime import datetime, timedelta

import click

from service import config
from service.cli.serve import own_url
from service.core import exact_json, timestamp
from service.rosters import Calendar, Calendars, OnCallReason, Roster, Rosters, local_time, path_of
from service.wiring import SYSTEM_CLOCK, Service, open_store

_DAY = timedelta(days=1)
_AND_WHY = {
    OnCallReason.TURN: "",
    OnCallReason.OVERRIDE: " (override)",
    OnCallReason.STANDS_IN: " (stands in for somebody absent)",
    OnCallReason.ALL_ABSENT: " (absent, as everybody of the rotation is)",
}


@click.group()
def rosters() -> None:
    """Show who is on call, and make calendar feeds."""


@rosters.command()
@click.argument("name", required=False)
@click.option("--at", type=click.DateTime(["%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"]), help="On the roster's clock.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def now(name: str | None, at: datetime | None, as_json: bool) -> None:
    """Say who is on call, on one roster or on all of them."""
    service = Service(config.load())
    known = service.escalation.rosters
    chosen = list(known.all().values()) if name is None else [known.get(name)]
    instants = [(each, SYSTEM_CLOCK.now() if at is None else at.replace(tzinfo=each.zone)) for each in chosen]
    if as_json:
        view = service.escalation.roster_view
        items = [view.shown(each, then, with_contact_data=True) for each, then in instants]
        click.echo(exact_json.dumps({"items": items}))
        return
    for each, then in instants:
        click.echo(_sentence(each, then, service))
    for complaint in known.complaints().values():
        click.echo(f"Warning: what was last used goes on, for a file cannot be used: {complaint}", err=True)
    if not chosen:
        click.echo("There are no rosters: write one, rules/rosters/<team>.yaml (docs/rosters.md).", err=True)


@rosters.command()
@click.argument("name")
@click.option("--days", type=click.IntRange(1, 366), default=14, help="How far ahead.")
def shifts(name: str, days: int) -> None:
    """List the shifts to come."""
    service = Service(config.load())
    roster = service.escalation.rosters.get(name)
    begin = SYSTEM_CLOCK.now()
    for shift in roster.shifts(begin, begin + days * _DAY):
        assert shift.since is not None
        assert shift.until is not None
        who = "nobody" if shift.on_call is None else service.escalation.roster_view.name_of(shift.on_call.person)
        why = "" if shift.on_call is None else _AND_WHY[shift.on_call.why]
        click.echo(f"{local_time(shift.since, roster)} to {local_time(shift.until, roster)}  {who}{why}")


@rosters.command()
@click.argument("name")
@click.option("--label", default="", help="Whose calendar it is.")
def calendar(name: str, label: str) -> None:
    """Print the address of an iCalendar feed, this once.

    Whoever has it can read the roster until it is revoked.
    """
    settings = config.load()
    known = Rosters(settings.rules_dir / "rosters", settings.last_good / "rosters").get(name)
    made, token = _calendars().create(known.name, label)
    click.echo(f"{settings.public_url or own_url(settings)}{path_of(name, token)}")
    click.echo(f"Calendar {made.calendar_id}. Keep the address now: it cannot be shown again.", err=True)


@rosters.command("calendars")
@click.argument("name")
def list_calendars(name: str) -> None:
    """List the calendars that follow a roster."""
    for each in _calendars().of(name):
        click.echo(_line(each))


@rosters.command()
@click.argument("calendar_id")
def revoke(calendar_id: str) -> None:
    """End a calendar: its feed is gone at once."""
    click.echo(f"Revoked: {_line(_calendars().revoke(calendar_id))}")


def _sentence(roster: Roster, at: datetime, service: Service) -> str:
    shift = roster.shift(at)
    until = "" if shift.until is None else f" until {local_time(shift.until, roster)}"
    if shift.on_call is None:
        return f"{roster.name}: nobody is on call{until}"
    who = service.escalation.roster_view.name_of(shift.on_call.person)
    following = None if shift.until is None else roster.on_call(shift.until)
    then = "" if following is None else f", then {service.escalation.roster_view.name_of(following.person)}"
    return f"{roster.name}: {who}{_AND_WHY[shift.on_call.why]}{until}{then}"


def _calendars() -> Calendars:
    return Calendars(open_store(config.load()), SYSTEM_CLOCK)


def _line(calendar: Calendar) -> str:
    label = f"  {calendar.label}" if calendar.label else ""
    return f"{calendar.calendar_id}  {calendar.roster}  made {timestamp(calendar.created_at)}{label}"
