"""The addresses that channels have beside people's phone and email: one field each, declared here alone.

Profiles, contacts of incidents and the models of the API inherit the fields. What else there is to say of one is in
`OWN_FIELDS`, in the order in which people read them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated

from pydantic import BaseModel, Field

from service.channels.chat import parse_chat_url
from service.channels.contact_keys import masked_url
from service.core import Record

_CHAT_URL = "Incoming webhook of a chat room. Whoever knows it can write there."


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnAddresses:
    """The fields, for dataclasses."""

    chat_url: str | None = None


class StoredAddresses(Record, frozen=True, kw_only=True):
    """The fields, for records."""

    chat_url: str | None = None


class AddressesBody(BaseModel):
    """The fields, for models of the API. Put it before the base that has the other fields: then these come last."""

    chat_url: Annotated[str | None, Field(max_length=2_000, description=_CHAT_URL)] = None


@dataclass(frozen=True, slots=True)
class AddressField:
    """`parse` raises `NotAnAddress`, `masked` is what somebody sees who may not see it in full.

    `label` and `hint` stand beside the field of a form.
    """

    parse: Callable[[str], str]
    masked: Callable[[str | None], str | None]
    label: str
    hint: str


OWN_FIELDS: Mapping[str, AddressField] = {
    "chat_url": AddressField(parse_chat_url, masked_url, "Chat room", "the address of its incoming webhook"),
}


def own_addresses(holder: OwnAddresses | StoredAddresses | AddressesBody) -> dict[str, str]:
    """The addresses that somebody has, by the names of their fields."""
    values = ((name, getattr(holder, name)) for name in OWN_FIELDS)
    return {name: value for name, value in values if value is not None}
