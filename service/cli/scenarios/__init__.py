"""The ancestors' scenarios, one file each: what is done, what comes back, and whether that is as it should be."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from service.cli.scenarios import incident, notify, premium, replies, roster, storm
from service.cli.scenarios.api import Api
from service.cli.scenarios.transcript import Transcript

Scenario = Callable[[Api, Transcript], None]
"""Plays against an instance and tells the transcript what it expected and what it found."""

SCENARIOS: Mapping[str, Scenario] = {
    "premium": premium.play,
    "notify": notify.play,
    "incident": incident.play,
    "undo": replies.play_undo,
    "pills": replies.play_pills,
    "purchases": replies.play_purchases,
    "roster": roster.play,
    "storm": storm.play,
}
"""Every scenario by the name it is chosen by."""

__all__ = ["SCENARIOS", "Api", "Scenario", "Transcript"]
