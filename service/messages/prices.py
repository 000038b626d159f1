"""What an SMS costs, by country: estimates for spend warnings and the spend cap, never an invoice.

The figures are rounded list prices for one outbound segment without carrier fees
(https://aws.amazon.com/end-user-messaging/pricing/); a country that is not listed is estimated high on purpose.
"""

from __future__ import annotations

from decimal import Decimal

from service.messages.segments import segments_of

CURRENCY = "USD"

PER_SEGMENT = {
    "AT": Decimal("0.085"),
    "AU": Decimal("0.045"),
    "BE": Decimal("0.094"),
    "BR": Decimal("0.028"),
    "CA": Decimal("0.007"),
    "CH": Decimal("0.062"),
    "DE": Decimal("0.098"),
    "DK": Decimal("0.054"),
    "ES": Decimal("0.078"),
    "FI": Decimal("0.080"),
    "FR": Decimal("0.071"),
    "GB": Decimal("0.042"),
    "IE": Decimal("0.073"),
    "IN": Decimal("0.040"),
    "IT": Decimal("0.079"),
    "JP": Decimal("0.075"),
    "MX": Decimal("0.033"),
    "NL": Decimal("0.098"),
    "NO": Decimal("0.067"),
    "NZ": Decimal("0.098"),
    "PL": Decimal("0.037"),
    "PT": Decimal("0.050"),
    "SE": Decimal("0.058"),
    "US": Decimal("0.008"),
    "ZA": Decimal("0.026"),
}

ELSEWHERE = Decimal("0.150")


def price_of(parts: int, country: str) -> Decimal:
    """About how many `CURRENCY` so many parts of SMS to `country` (ISO 3166) cost."""
    return parts * PER_SEGMENT.get(country, ELSEWHERE)


def estimated_price(text: str, country: str) -> Decimal:
    """About how many `CURRENCY` it costs to send `text` as an SMS to `country` (ISO 3166)."""
    return price_of(segments_of(text).count, country)
