"""Whether a table has its two header rows where they belong: told once, not as a fault of every cell."""

from __future__ import annotations

from collections.abc import Sequence

from service.decide.errors import RuleFaults
from service.decide.findings import Flaw
from service.decide.schema import Schema
from service.decide.tables.columns import NAME, ROLES, VERBS
from service.decide.tables.sheet import Cell

_SEPARATORS = {";": "semicolons (;)", "\t": "tabs", "|": "bars (|)"}


def is_sound(header: Sequence[Cell], roles: Sequence[Cell], schema: Schema, faults: RuleFaults) -> bool:
    """Whether the two rows are names and roles; reports what they are instead."""
    fault = _fault(header, roles, schema)
    if fault is not None:
        faults.error(Flaw.SYNTAX, header[0].at, *fault)
    return fault is None


def _fault(header: Sequence[Cell], roles: Sequence[Cell], schema: Schema) -> tuple[str, str] | None:
    first = header[0].text
    separator = next(
        (sign for sign in _SEPARATORS if sign in first and (len(header) == 1 or _named(first, sign))), None
    )
    if separator is not None:
        return (
            f"this table is separated by {_SEPARATORS[separator]}, not by commas",
            "save it as CSV UTF-8 (comma delimited)",
        )
    above, below = (sum(_is_name(cell.text, schema) for cell in row) for row in (header, roles))
    if below >= 2 and below > above:
        return (
            "the names of the columns stand in the second row",
            "remove the row above them: the first row holds the names",
        )
    if not any(cell.text.lower().partition(":")[0].strip() in ROLES for cell in roles):
        example = ",".join("" if cell.text.lower() == NAME else "in" for cell in header[:-1])
        hint = f"the first row holds names, the second roles, for example: {example},out:set"
        return "the second row gives no column its role", hint
    return None


def _named(text: str, sign: str) -> bool:
    return text.split(sign, 1)[0].strip() in (NAME, "sep=", "")


def _is_name(text: str, schema: Schema) -> bool:
    return text.lower() in (NAME, "why", *VERBS) or text in schema.facts
