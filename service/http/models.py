"""The shapes of requests: pydantic models that guess nothing."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, TypeVar

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    JsonValue,
    Strict,
    TypeAdapter,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from service.core import SAY_SOMETHING, is_blank

E = TypeVar("E")


class Body(BaseModel):
    """Base of request bodies: no coercion (`"5"` is not 5), no unknown members, immutable once read.

    JSON has neither enumerations, times nor decimals: declare those as `Choice[Lane]`, `Instant` and `Exact`,
    and lists as `Sequence`.
    """

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


def shown_by(*documents: JsonValue) -> ConfigDict:
    """The configuration of a body's model that shows these examples."""
    return ConfigDict(json_schema_extra={"examples": list(documents)})


class Query(BaseModel):
    """Base of query parameters: texts read by type (`?limit=50`), no unknown ones."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Shown(BaseModel):
    """Base of answers. A `Decimal` is answered as text with its digits, a time as RFC 3339."""

    model_config = ConfigDict(frozen=True)


@dataclass(frozen=True, slots=True)
class TextPattern:
    """Of a text in a request, if there is one: how it is written, as a pattern for programs, in words for people."""

    pattern: re.Pattern[str]
    words: str

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self._checked, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {**handler(schema), "pattern": self.pattern.pattern.replace(r"\Z", "$")}

    def _checked(self, text: str | None) -> str | None:
        if text is not None and self.pattern.search(text) is None:
            raise PydanticCustomError("written", "{fault}", {"fault": self.words})
        return text


@dataclass(frozen=True, slots=True)
class DescribedAs:
    """Of a member that is answered as a document is stored: the type by which the description shows it."""

    type: Any

    def __get_pydantic_json_schema__(self, _schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return handler(TypeAdapter(self.type).core_schema)


@dataclass(frozen=True, slots=True)
class OneOfWords:
    """Of a text: the words that it may be, for the description; whoever reads it says what does not fit."""

    words: tuple[str, ...]

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {**handler(schema), "enum": list(self.words)}


def _text_only(value: object) -> object:
    if not isinstance(value, str) or value[4:5] != "-":  # pydantic would also read "1778403600" as a time
        raise PydanticCustomError("instant", "Write the time as RFC 3339 text")
    return value


def _said(text: str) -> str:
    if is_blank(text):
        raise PydanticCustomError("blank", "{fault}", {"fault": SAY_SOMETHING.capitalize()})
    return text


def _in_the_calendar(at: datetime) -> datetime:
    """The time, if UTC has it too: in the last hours of the year 9999 west of Greenwich it has not."""
    try:
        at.astimezone(UTC)
    except OverflowError as error:
        raise PydanticCustomError("too_far", "Write a time of the years 1 to 9999, in UTC too") from error
    return at


Instant = Annotated[AwareDatetime, Strict(False), BeforeValidator(_text_only), AfterValidator(_in_the_calendar)]
"""A time in a request: RFC 3339 text that names its zone."""


TOO_FAR = 9000
"""The year from which on nothing is planned."""


def _with_room(at: datetime) -> datetime:
    if at.year >= TOO_FAR:
        raise PydanticCustomError("too_far", "Write a time before the year 9000")
    return at


Planned = Annotated[Instant, AfterValidator(_with_room)]
"""A time at which something is to be done: what comes after it has room in the calendar."""

Choice = Annotated[E, Strict(False)]
"""An enumeration in a request body, written as its value: `lane: Choice[Lane]`."""

NotBlank = AfterValidator(_said)
"""Of a text in a request that somebody is going to read: it must say something."""

CallerReference = Annotated[
    str, Field(min_length=1, max_length=128, description="What the caller calls it, such as an order or a ticket.")
]
"""A caller's own name for what it asks for."""

Limit = Annotated[int, Field(ge=1, le=500, description="How many to list at most; a page also ends at 4 MiB.")]
"""The `limit` of a list."""

Cursor = Annotated[str, Field(max_length=2048, description="`next_cursor` of the page before.")]
"""The `cursor` of a list."""

Exact = Annotated[Decimal, Strict(False)]
"""A decimal in a request: a JSON number or text, with exactly the digits that were sent."""
