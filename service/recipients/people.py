"""How callers write people down."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field, JsonValue, RootModel, model_validator
from pydantic_core import PydanticCustomError

from service.channels import AddressesBody
from service.core import Channel
from service.http import Body, OneOfWords, shown_by
from service.recipients.directory import MAX_AT_ONCE
from service.recipients.files import SAMPLE_NAMES, named_plainly, named_twice

MARY: JsonValue = {
    "user_id": "ui102",
    "first_name": "Mary",
    "language": "de",
    "preference": "sms",
    "phone": "+491713920012",
}
"""Somebody, as an example."""


class _Profile(Body):
    user_id: str | None = Field(None, description="1 to 64 letters, digits, `-` and `_`.")
    first_name: str | None = None
    email: str | None = None
    phone: str | None = Field(None, description="E.164, for example +447700900123.")
    language: str | None = Field(None, description="BCP 47, for example pt-BR.")
    preference: Annotated[str, OneOfWords(tuple(channel.value for channel in Channel))] | None = None
    voice_locale: str | None = Field(None, description="BCP 47; the language where it is missing.")
    timezone: str | None = Field(None, description="IANA name, for example Europe/Berlin.")
    audience: str | None = Field(None, description="An audience that it joins, beside those to which it belongs.")


class Profile(AddressesBody, _Profile):
    """How a person is reached. The rows of the multi-language notification sample fit, by its own names too."""

    model_config = shown_by(MARY)

    @model_validator(mode="before")
    @classmethod
    def _as_the_sample_says_it(cls, raw: object) -> object:
        """`phoneme` is the voice's locale, `event_id` the audience."""
        if not isinstance(raw, dict) or SAMPLE_NAMES.keys().isdisjoint(raw):
            return raw
        for fault in named_twice(raw):
            raise PydanticCustomError("named_twice", "{fault}", {"fault": f"{fault.path} {fault.message}"})
        return named_plainly(raw)


class Profiles(Body):
    """Profiles that are stored and counted among an audience."""

    model_config = shown_by({"recipients": [MARY]})

    recipients: Annotated[tuple[Profile, ...], Field(min_length=1, max_length=MAX_AT_ONCE, strict=False)]


class ProfileRows(RootModel[Sequence[Profile]]):
    """Profiles as a JSON list."""

    model_config = shown_by([MARY])
