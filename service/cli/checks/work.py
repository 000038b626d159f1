"""Whether work goes on: what `/readyz` looks at, in words."""

from __future__ import annotations

from collections.abc import Iterator

from service.cli.checks import CheckFinding, doubtful, fine
from service.core import Clock, Lane, TocsinError, timestamp
from service.storage import Store
from service.work import BY_URGENCY, LanePauses, Pause, Thresholds, Vitals, silence

_LATE = "Start more workers, or look at what theirs wait for: `/metrics`, the log, `tocsin dead list`."


def work(store: Store, clock: Clock, thresholds: Thresholds) -> Iterator[CheckFinding]:
    """When a worker last reported, and how late each lane is."""
    vitals = Vitals(store, clock, thresholds)
    try:
        yield _worker(vitals, clock, thresholds)
        pauses = LanePauses(store, clock).all()
        for lane in BY_URGENCY:
            yield _lane(vitals, lane, thresholds) if (pause := pauses[lane]) is None else _paused(lane, pause)
    except TocsinError as error:
        yield doubtful("work", str(error), "Mend the store first.")


def _worker(vitals: Vitals, clock: Clock, thresholds: Thresholds) -> CheckFinding:
    last, now = vitals.last_heartbeat(), clock.now()
    if last is None:
        return fine("worker", "none has reported yet: `tocsin up` or `tocsin worker` starts one")
    if now - last <= thresholds.silent_after:
        return fine("worker", f"one reported {max(0.0, (now - last).total_seconds()):.0f} s ago")
    do = "Start one, or end the one that hangs (`ps -A` shows stopped ones in state T): nobody is paged until then."
    return doubtful("worker", silence(last, now), do)


def _lane(vitals: Vitals, lane: Lane, thresholds: Thresholds) -> CheckFinding:
    late = vitals.overdue(lane)
    if late > thresholds.overdue_after[lane]:
        return doubtful(f"lane {lane}", f"the oldest item is overdue by {late.total_seconds():.0f} s", _LATE)
    return fine(f"lane {lane}", "nothing is due" if not late else f"{late.total_seconds():.0f} s late at most")


def _paused(lane: Lane, pause: Pause) -> CheckFinding:
    what = f"its messages are kept back by {pause.by} since {timestamp(pause.since)}"
    return doubtful(f"lane {lane}", what, f"`tocsin resume {lane}` lets them go on.")
