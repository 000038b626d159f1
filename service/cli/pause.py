"""`tocsin pause`, `tocsin resume`: an emergency stop for the messages of a lane."""

from __future__ import annotations

import getpass

import click

from service import config
from service.core import Lane, ids, timestamp
from service.messages import LANE_PAUSED, LANE_RESUMED, audited_pause
from service.wiring import SYSTEM_CLOCK, open_store
from service.work import LanePauses

_LANE = click.argument("lane", type=click.Choice([lane.value for lane in Lane]))


@click.command()
@_LANE
def pause(lane: str) -> None:
    """Keep the messages of a lane back.

    They wait until `tocsin resume`. Audited.

    Nothing of it leaves from a second later on, but for what a provider has in hand; nothing is lost. The other lanes
    go on: incidents do, unless `incident` itself is named.
    """
    chosen, by, now = Lane(lane), getpass.getuser(), SYSTEM_CLOCK.now()
    held = _pauses().pause(chosen, by, [audited_pause(LANE_PAUSED, chosen, by, ids.fresh(now), now)])
    click.echo(f"{lane} is paused since {timestamp(held.since)} by {held.by}. `tocsin resume {lane}` lets it go on.")


@click.command()
@_LANE
def resume(lane: str) -> None:
    """Let the messages of a lane go on.

    What waited leaves within some 20 seconds. Audited.
    """
    chosen, by, now = Lane(lane), getpass.getuser(), SYSTEM_CLOCK.now()
    if _pauses().resume(chosen, [audited_pause(LANE_RESUMED, chosen, by, ids.fresh(now), now)]):
        click.echo(f"{lane} goes on.")
    else:
        click.echo(f"{lane} is not paused.", err=True)


def _pauses() -> LanePauses:
    return LanePauses(open_store(config.load()), SYSTEM_CLOCK)
