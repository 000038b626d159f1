"""What SMS cost, over HTTP: a month's estimate by country, beside the cap."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated

from flask import Blueprint
from pydantic import Field

from service.core import Clock, Scope
from service.http import Query, Shown, endpoint
from service.messages.prices import CURRENCY
from service.messages.spend import MonthSpend, Spend


class SpendQuery(Query):
    """Which month."""

    month: Annotated[
        str | None,
        Field(pattern=r"^20[0-9]{2}-(0[1-9]|1[0-2])$", description="Such as 2026-05 (UTC); left out, the current one."),
    ] = None


class ShownCountrySpend(Shown):
    """One country (ISO 3166): messages, the parts they were sent in, and what those cost."""

    country: str
    messages: int
    parts: int
    amount: Decimal


class ShownSpend(Shown):
    """A month's SMS, estimated from parts and list prices: no invoice. Without a `cap` nothing is counted.

    `countries` are the dearest first.
    """

    month: str
    currency: str
    cap: Decimal | None
    total: Decimal
    countries: Sequence[ShownCountrySpend]


def blueprint(spend: Spend, clock: Clock) -> Blueprint:
    """`GET /v1/spend`."""
    routes = Blueprint("spend", __name__)

    @endpoint(
        routes,
        "GET",
        "/v1/spend",
        summary="Read what SMS cost in a month",
        scope=Scope.ADMIN,
        query=SpendQuery,
        answers={200: ShownSpend},
    )
    def show_spend(query: SpendQuery) -> ShownSpend:
        """Estimated and counted while `TOCSIN_SPEND_CAP` is set, by country; kept for 400 days."""
        within = _first_of(query.month) if query.month else clock.now()
        return shown(spend.of_month(within), spend.cap, within)

    return routes


def shown(spent: MonthSpend, cap: Decimal | None, within: datetime) -> ShownSpend:
    """A month as the API shows it."""
    countries = [
        ShownCountrySpend(country=country, messages=cost.messages, parts=cost.parts, amount=cost.amount)
        for country, cost in sorted(spent.countries.items(), key=lambda each: (-each[1].amount, each[0]))
    ]
    return ShownSpend(month=f"{within:%Y-%m}", currency=CURRENCY, cap=cap, total=spent.total, countries=countries)


def _first_of(month: str) -> datetime:
    year, _, number = month.partition("-")
    return datetime(int(year), int(number), 1, tzinfo=UTC)
