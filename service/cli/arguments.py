"""Kinds of arguments that several commands take."""

from __future__ import annotations

from datetime import datetime

import click
import phonenumbers

from service.core import parse_timestamp


def instant(_: click.Context, __: click.Parameter, value: str | None) -> datetime | None:
    """Callback of an option that takes RFC 3339 with its zone; a usage error says how to write one."""
    try:
        return None if value is None else parse_timestamp(value)
    except ValueError as error:
        raise click.BadParameter(f"{error} (write it like 2026-05-10T09:00:00Z)") from error


def country(_: click.Context, __: click.Parameter, value: str | None) -> str | None:
    """Callback of an option that takes a country by its two letters (ISO 3166)."""
    if value is None:
        return None
    code = value.strip().upper()
    if code not in phonenumbers.SUPPORTED_REGIONS:
        raise click.BadParameter(f"{value!r} is no country: write two letters, such as GB or DE (ISO 3166)")
    return code
