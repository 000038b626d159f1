"""Whatever stands in a member of a request, its model takes it or says what does not fit: nothing else is raised."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pydantic import BaseModel, ValidationError

import service.wiring.app  # noqa: F401  all models of requests are known then
from service.evaluations.schemas import Context
from service.http import Body, Query

ODD: tuple[object, ...] = (
    *(
        None,
        True,
        0,
        -1,
        10**400,
        1e308,
        float("nan"),
        "",
        " ",
        "x",
        "0",
        "\x00",
        "\u200b",
        "9999-12-31T23:59:59-23:59",
    ),
    *("http://[::1", "{{", "a" * 100_000, [], [None], [[]], {}, {"": None}, {"x": {"x": []}}, b"", object()),
)


def _kinds(base: type[BaseModel]) -> Iterator[type[BaseModel]]:
    for kind in base.__subclasses__():
        yield kind
        yield from _kinds(kind)


MODELS = sorted({*_kinds(Body), *_kinds(Query)}, key=lambda kind: (kind.__module__, kind.__qualname__))


@pytest.mark.parametrize("model", MODELS, ids=lambda kind: f"{kind.__module__}.{kind.__qualname__}")
def test_a_member_of_any_kind_is_taken_or_refused(model: type[BaseModel]) -> None:
    for name, field in model.model_fields.items():
        for value in ODD:
            try:
                model.model_validate({field.alias or name: value})
            except ValidationError:
                continue


def test_a_context_may_say_that_it_has_no_request_id() -> None:
    assert Context.model_validate({"request_id": None}) == Context()
    assert len(MODELS) > 40
