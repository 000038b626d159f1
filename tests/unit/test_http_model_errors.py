"""What a caller reads of a body that does not fit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated

import pytest
from pydantic import BaseModel, Field, ValidationError

from service.http import Body, Instant, Query, described
from service.http.problems import invalid_model

PHONE = "+447700900123"


class Contact(Body):
    """A nested object."""

    phone: Annotated[str, Field(max_length=20)]


class Gift(Body):
    """A text, or an object."""

    to: Annotated[str, Field(max_length=5)] | Contact
    others: Mapping[str, str | Contact] = Field(default_factory=dict)


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


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({"to": None}, {"to": "must be text or an object"}),
        ({"to": "too long"}, {"to": "may have at most 5 characters"}),
        ({"to": {"phone": 5}}, {"to.phone": "must be text"}),
        ({"to": {"fone": "1"}}, {"to.phone": "is missing", "to.fone": 'is not known here: did you mean "phone"?'}),
        ({"to": "a", "others": {"DE": None}}, {"others.DE": "must be text or an object"}),
        ({"to": "a", "others": {"str": {}}}, {"others.str.phone": "is missing"}),
        ({"to": "a", "others": None}, {"others": "must be an object"}),
    ],
)
def test_a_text_or_an_object_has_faults_at_its_own_place(
    document: Mapping[str, object], said: Mapping[str, str]
) -> None:
    with pytest.raises(ValidationError) as refused:
        Gift.model_validate(document)
    assert {one.path: one.message for one in invalid_model(refused.value, Gift).errors} == said


def bodies(of: type[BaseModel]) -> Iterator[type[BaseModel]]:
    for each in of.__subclasses__():
        yield each
        yield from bodies(each)


ODD: Sequence[object] = (None, 5, 1.5, True, "", "x" * 5_000, [], {}, [None], {"a": None}, 10**30)


def test_no_answer_speaks_the_words_of_a_library() -> None:
    """Every member of every body of the API, with values of other kinds."""
    import service.wiring.app  # noqa: F401  (what declares them all)

    said = set()
    declared = {model for model in (*bodies(Body), *bodies(Query)) if model.__module__.startswith("service.")}
    for model in declared:
        for name, field in model.model_fields.items():
            for value in ODD:
                try:
                    model.model_validate({field.alias or name: value})
                except ValidationError as error:
                    said |= {(model.__name__, *fault) for fault in described(error)}
    strange = ("Input", "instance", "valid ", "Invalid", "isoformat", "str", "int", "dict", "Sequence")
    assert not [each for each in said if each[2].startswith(strange) or "Input should" in each[2]]
