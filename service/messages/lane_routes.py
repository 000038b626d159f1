"""The emergency stop: lanes whose messages are kept back, over HTTP."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from flask import Blueprint

from service.core import Clock, Lane, Scope, ids
from service.http import Caller, Shown, endpoint, not_found
from service.storage import AuditEntry
from service.work import LanePauses, Pause

LANE_PAUSED, LANE_RESUMED = "lane-paused", "lane-resumed"
"""What the audit calls it."""


class ShownLane(Shown):
    """A lane, and by whom its messages are kept back since when."""

    lane: Lane
    paused: bool
    by: str | None = None
    since: datetime | None = None


class Lanes(Shown):
    """All lanes, the most urgent first."""

    items: Sequence[ShownLane]


def blueprint(pauses: LanePauses, clock: Clock) -> Blueprint:
    """The calls about lanes."""
    routes = Blueprint("lanes", __name__)
    _add_list(routes, pauses)
    _add_pause(routes, pauses, clock)
    _add_resume(routes, pauses, clock)
    return routes


def lane_of(name: str) -> Lane | None:
    """The lane of this name; None if there is none."""
    return Lane(name) if name in set(Lane) else None


def audited_pause(entry_type: str, lane: Lane, by: str, request_id: str, now: datetime) -> AuditEntry:
    """What the audit says of a pause or its end."""
    return AuditEntry(ids.fresh(now), request_id, entry_type, now, by, "", detail={"about": lane.value})


def _add_list(routes: Blueprint, pauses: LanePauses) -> None:
    @endpoint(
        routes,
        "GET",
        "/v1/lanes",
        summary="Show which lanes are paused",
        scope=(Scope.ADMIN, Scope.NOTIFY),
        answers={200: Lanes},
    )
    def list_lanes() -> Lanes:
        """All three: `incident`, `transactional` and `bulk`."""
        return Lanes(items=[_shown(lane, pause) for lane, pause in pauses.all().items()])


def _add_pause(routes: Blueprint, pauses: LanePauses, clock: Clock) -> None:
    @endpoint(
        routes,
        "POST",
        "/v1/lanes/<lane>/pause",
        summary="Keep a lane's messages back",
        scope=Scope.ADMIN,
        answers={200: ShownLane},
    )
    def pause_lane(lane: str, caller: Caller) -> ShownLane:
        """Nothing of the lane leaves from a second later on, except what a provider already has; nothing is lost.

        Other lanes go on: incidents do unless `incident` itself is named. Pausing again changes nothing.
        """
        chosen = _known(lane)
        audit = audited_pause(LANE_PAUSED, chosen, caller.app, caller.request_id, clock.now())
        return _shown(chosen, pauses.pause(chosen, caller.app, [audit]))


def _add_resume(routes: Blueprint, pauses: LanePauses, clock: Clock) -> None:
    @endpoint(
        routes,
        "POST",
        "/v1/lanes/<lane>/resume",
        summary="Let a lane's messages go on",
        scope=Scope.ADMIN,
        answers={200: ShownLane},
    )
    def resume_lane(lane: str, caller: Caller) -> ShownLane:
        """Waiting messages leave within some 20 seconds. Resuming a lane that is not paused changes nothing."""
        chosen = _known(lane)
        pauses.resume(chosen, [audited_pause(LANE_RESUMED, chosen, caller.app, caller.request_id, clock.now())])
        return _shown(chosen, None)


def _known(name: str) -> Lane:
    if (lane := lane_of(name)) is None:
        raise not_found(f"There is no lane {name!r}: they are {', '.join(Lane)}.")
    return lane


def _shown(lane: Lane, pause: Pause | None) -> ShownLane:
    known: Mapping[str, object] = {} if pause is None else {"by": pause.by, "since": pause.since}
    return ShownLane.model_validate({"lane": lane, "paused": pause is not None, **known})
