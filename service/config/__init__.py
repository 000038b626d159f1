"""The settings of this process, read from `TOCSIN_*` in the environment or in `.env`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from service.aws import Fetch, ValueReference
from service.config import errors as setting_errors
from service.config import folders, sources
from service.config import names as setting_names
from service.config.errors import PREFIX, SettingFault, name_of
from service.config.settings import Backend, Settings, secret_in
from service.core import TocsinError
from service.messages import SendersRefused

__all__ = [
    "PREFIX",
    "Backend",
    "ExaminedSettings",
    "SettingFault",
    "Settings",
    "SettingsError",
    "folders",
    "load",
    "sources",
]


class SettingsError(TocsinError):
    """Settings that cannot be used, every one of them with its name, a line each."""

    def __init__(self, faults: Sequence[SettingFault]) -> None:
        count = "A setting" if len(faults) == 1 else f"{len(faults)} settings"
        super().__init__(
            "\n".join([f"{count} cannot be used:", *map(str, faults), "docs/settings.md lists every setting."])
        )
        self.faults = tuple(faults)


@dataclass(frozen=True, slots=True)
class ExaminedSettings:
    """What the settings of this process are, unless a value cannot be used, and everything that is wrong with them."""

    settings: Settings | None
    faults: Sequence[SettingFault]


def load(fetch: Fetch | None = None, *, service: bool = False) -> Settings:
    """The settings of this process; `SettingsError` names every one that cannot be used.

    Those that are references are fetched from where they are kept: by `fetch`, or else from AWS. With `service` the
    folders that a service needs must be there too.
    """
    examined = examine(fetch, service=service)
    if examined.settings is None or examined.faults:
        raise SettingsError(examined.faults)
    return examined.settings


def examine(fetch: Fetch | None = None, *, service: bool = False) -> ExaminedSettings:
    """The settings with all their faults: those of values, of values together, and of the folders that they name."""
    given = sources.texts(_given(), Settings.model_fields)
    kept, unfetched = sources.fetched(sources.references(given), fetch)
    texts = {**given, **kept}
    secret = {field: text for field, text in texts.items() if field in kept or not Settings.model_fields[field].repr}
    settings, misfits = _parsed(kept, secret, {fault.name for fault in unfetched})
    faults = [*unfetched, *misfits, *setting_errors.without_partner(texts)]
    if settings is not None:
        faults += _together(settings)
    if not folders.were_checked():
        faults += folders.faults(_folders(texts), service=service)
    return ExaminedSettings(None if unfetched else settings, tuple(faults))


def _parsed(
    kept: Mapping[str, str], secret: Mapping[str, str], unfetched: Iterable[str]
) -> tuple[Settings | None, Sequence[SettingFault]]:
    try:
        return Settings.model_validate(kept), ()
    except ValidationError as error:
        errors = setting_errors.described(error, hidden=secret)
        return None, [fault for fault in errors if fault.name not in unfetched]


def _together(settings: Settings) -> Iterator[SettingFault]:
    """Values that do not go together."""
    if settings.twilio_account is not None and settings.uses_amazon:
        try:
            settings.senders.require_providers()
        except SendersRefused as error:
            yield SettingFault(name_of("senders"), str(error))


def _folders(texts: Mapping[str, str]) -> folders.Folders:
    named = {name: Path(text) for name in folders.NAMES if (text := texts.get(name))}
    home: Path = named.get("home", Settings.model_fields["home"].default)
    own = {name: Settings.model_fields[name].default for name in folders.NEEDED}
    return folders.Folders(home, named, own, secret=None if texts.get("secret") else secret_in(home))


def warnings(settings: Settings) -> tuple[str, ...]:
    """A sentence for each setting that works and may not do what was meant."""
    return setting_errors.warnings(settings.public_url)


def references() -> Mapping[str, ValueReference]:
    """The settings, by the names of their fields, whose values are kept elsewhere (docs/settings.md)."""
    return sources.references(sources.texts(_given(), Settings.model_fields))


def _given() -> Mapping[str, str]:
    try:
        return sources.given()
    except sources.UnreadableEnvFile as error:
        raise SettingsError([error.fault]) from error


def names() -> tuple[str, ...]:
    """The environment's name of every setting."""
    return tuple(name_of(field) for field in Settings.model_fields)


def unknown(environment: Mapping[str, str] | None = None) -> tuple[str, ...]:
    """A sentence for every name that looks like a setting and is none, with the nearest one that is."""
    return setting_names.unknown(_given() if environment is None else environment, names())
