"""The last hour as charts: what was asked, decided and done in each minute, and how late the lanes were."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask import Blueprint, render_template

from service.console import calls
from service.console.pictures import Bar, bars

SHOW = "pulse.show_pulse"
COUNTED = {"requests": "Calls of the API", "decisions": "Decisions", "work": "Work done"}
LATE_FROM = 1.0
"""Seconds: a lane that is less late than this in the whole hour is drawn as one that is not."""


@dataclass(frozen=True, slots=True)
class MinuteChart:
    """A chart of the hour: its name, what it says in a sentence, and its bars."""

    name: str
    said: str
    bars: Sequence[Bar]


def add_to(routes: Blueprint) -> None:
    """Serve the part that Home and System show."""

    @routes.get("/pulse")
    def pulse() -> str:
        return render_template("system/_pulse.html", pulse=last_hour())


def last_hour() -> dict[str, object] | None:
    """The charts with the figures behind them; None for who may not see them."""
    if not calls.may_call(SHOW):
        return None
    minutes = calls.read(SHOW)["items"]
    counted = [_counted(word, [int(minute[name]) for minute in minutes]) for name, word in COUNTED.items()]
    lanes = [
        _late(lane, [minute["late"].get(lane) for minute in minutes]) for lane in ("incident", "transactional", "bulk")
    ]
    failures = sum(int(minute["failures"]) for minute in minutes)
    return {"charts": [*counted, *lanes], "minutes": list(reversed(minutes)), "failures": failures}


def _counted(word: str, values: Sequence[int]) -> MinuteChart:
    total = sum(values)
    said = f"{total:,}, at most {max(values, default=0):,} a minute" if total else "none"
    return MinuteChart(word, said, bars(values))


def _late(lane: str, values: Sequence[float | None]) -> MinuteChart:
    seen = [float(value) for value in values if value is not None]
    worst = max(seen, default=0.0)
    said = f"late by {worst:,.0f} s at most" if worst >= LATE_FROM else "never late" if seen else "no worker looked"
    return MinuteChart(f"Lane {lane}", said, bars([float(value or 0) if worst >= LATE_FROM else 0 for value in values]))
