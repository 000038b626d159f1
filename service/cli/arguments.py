"""Kinds of arguments that several commands take."""

from __future__ import annotations

from datetime import datetime

import click

from service.core.clock import parse_timestamp


def instant(_: click.Context, __: click.Parameter, value: str | None) -> datetime | None:
    """Callback of an option that takes RFC 3339 with its zone; a usage error says how to write one."""
    try:
        return None if value is None else parse_timestamp(value)
    except ValueError as error:
        raise click.BadParameter(f"{error} (write it like 2026-05-10T09:00:00Z)") from error
