"""What a caller reads of a body that does not fit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated

import pytest
from pydantic import Field, ValidationError

from service.http import Body, Instant
from service.http.problems import invalid_model

PHONE = "+447700900123"


class Contact(Body):
    """A nested object."""

    phone: Annotated[str, Field(max_length=20)]


class Order(Body):
    """One member of each kind."""

    text: Annotated[str, Field(min_length=1)]
    at: Instant | None = None
    number: Annotated[int, Field(ge=1, le=9)] = 1
    contacts: Annotated[Sequence[Contact], Field(min_length=1)] = (Contact(phone=PHONE),)


def faults(document: Mapping[str, object]) -> dict[str, str]:
    with pytest.raises(ValidationError) as refused:
        Order.model_validate(document)
    return {one.path: one.message for one in invalid_model(refused.value, Order).errors}


def test_every_fault_says_what_to_write() -> None:
    assert faults({"text": "", "at": "tomorrow", "number": 10, "contacts": []}) == {
        "text": "must not be empty",
        "at": "must be a time with its zone, such as 2026-05-10T09:00:00Z (RFC 3339)",
        "number": "may be at most 9",
        "contacts": "must have at least 1 of them",
    }


def test_a_mistyped_name_gets_the_nearest_one() -> None:
    assert faults({"text": "a", "contatcs": []}) == {"contatcs": 'is not known here: did you mean "contacts"?'}
    assert faults({"text": "a", "contacts": [{"fone": PHONE}]}) == {
        "contacts[0].phone": "is missing",
        "contacts[0].fone": 'is not known here: did you mean "phone"?',
    }
    assert faults({"text": "a", "zebra": 1}) == {"zebra": "is not known here"}


def test_what_was_sent_is_not_repeated() -> None:
    said = faults({"text": 5, "at": PHONE, "number": PHONE, "contacts": [{"phone": PHONE * 3}, PHONE]})
    assert len(said) == 5
    assert not [message for message in said.values() if PHONE in message]
