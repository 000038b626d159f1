"""Where the texts of settings come from: the environment, the file `.env`, and what they refer to in AWS."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence

from dotenv import dotenv_values

from service.aws import CannotFetch, Fetch, ValueReference, parse_reference
from service.config.errors import SettingFault, name_of
from service.core import TocsinError

ENV_FILE = ".env"


class UnreadableEnvFile(TocsinError):
    """The file of settings cannot be read; holds the fault."""

    def __init__(self, fault: SettingFault) -> None:
        super().__init__(str(fault))
        self.fault = fault


def given() -> Mapping[str, str]:
    """What stands in the environment, or else in the file, by name; an empty text counts as none."""
    try:
        in_file = dotenv_values(ENV_FILE)
    except (OSError, ValueError) as error:
        fault = SettingFault(ENV_FILE, f"cannot be read ({type(error).__name__}): it must be UTF-8 text")
        raise UnreadableEnvFile(fault) from error
    merged = {name: text for each in (in_file, os.environ) for name, text in each.items() if text}
    return merged | {name: "" for name in in_file if name not in merged}


def texts(environment: Mapping[str, str], fields: Iterable[str]) -> dict[str, str]:
    """What is given of each setting, by its field."""
    by_name = {name.upper(): text for name, text in environment.items()}
    return {field: text for field in fields if (text := by_name.get(name_of(field)))}


def references(given: Mapping[str, str]) -> Mapping[str, ValueReference]:
    """The settings, by field, whose values are kept elsewhere."""
    parsed = ((field, parse_reference(text)) for field, text in given.items())
    return {field: reference for field, reference in parsed if reference is not None}


def fetched(
    kept: Mapping[str, ValueReference], fetch: Fetch | None
) -> tuple[Mapping[str, str], Sequence[SettingFault]]:
    """What is stored elsewhere, by field, and a fault for each that cannot be fetched."""
    if not kept:
        return {}, ()
    fetch = fetch or fetch_kept()
    values: dict[str, str] = {}
    faults: list[SettingFault] = []
    for field, reference in kept.items():
        try:
            values[field] = fetch(reference)
        except CannotFetch as error:
            faults.append(SettingFault(name_of(field), str(error)))
    return values, faults


def fetch_kept() -> Fetch:
    """Reads values where AWS keeps them."""
    from service.aws import RemoteValues  # boto3 takes a while to import, and few need it

    return RemoteValues().fetch
