"""`tocsin spend`: what SMS cost in a month."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import click

from service import config
from service.messages import CURRENCY, Spend
from service.wiring import SYSTEM_CLOCK, open_store


@click.command()
@click.argument("month", required=False, type=click.DateTime(["%Y-%m"]))
def spend(month: datetime | None) -> None:
    """Show what SMS cost in a month, by country.

    MONTH such as 2026-05; left out, the current one (UTC). An estimate, counted while TOCSIN_SPEND_CAP is set.
    """
    settings = config.load()
    cap = None if settings.spend_cap is None else Decimal(str(settings.spend_cap))
    within = SYSTEM_CLOCK.now() if month is None else month.replace(tzinfo=UTC)
    spent = Spend(open_store(settings), cap).of_month(within)
    for country, cost in sorted(spent.countries.items(), key=lambda each: -each[1].amount):
        click.echo(f"{country}  {cost.messages:>9,} messages  {cost.parts:>9,} parts  {cost.amount:>12,.2f} {CURRENCY}")
    click.echo(f"{within:%Y-%m}: {spent.total:,.2f} {CURRENCY}" + ("" if cap is None else f" of {cap:,.2f}"))
    if cap is None:
        click.echo("Nothing is counted now: set TOCSIN_SPEND_CAP.", err=True)
