"""The cursors of every list: what a view answers as `next_cursor` names the list, and no other list takes it back.

A view whose query has a `cursor` knows nothing of this: it reads and answers the store's own cursors.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache

from pydantic import BaseModel

from service.core import exact_json
from service.http.formats import Answer
from service.storage import cursors

CURSOR, NEXT_CURSOR = "cursor", "next_cursor"
_ABOUT_THE_PAGE = {CURSOR, "limit"}


def name_of(path: str, places: Mapping[str, object], query: BaseModel) -> str:
    """The identity of a list: its path, the values in the path, and its filters."""
    filters = query.model_dump(mode="json", exclude=_ABOUT_THE_PAGE)
    return exact_json.canonical([path, dict(places), filters])


@cache
def are_of_a_list(parameters: type[BaseModel]) -> bool:
    """Whether these are the parameters of a list that is answered page by page."""
    return CURSOR in parameters.model_fields


def opened(name: str, query: BaseModel) -> BaseModel:
    """The query with the store's own cursor; `BadCursor` for a cursor of another list."""
    given: str | None = getattr(query, CURSOR)
    return query if given is None else query.model_copy(update={CURSOR: cursors.of_list(name, given)})


def marked(name: str, answer: Answer) -> Answer:
    """The answer with a cursor that names its list."""
    content = answer.content
    if isinstance(content, BaseModel):
        cursor: str | None = getattr(content, NEXT_CURSOR)
        return replace(answer, content=content.model_copy(update={NEXT_CURSOR: cursors.for_list(name, cursor)}))
    assert isinstance(content, Mapping), "a list is answered as a document"
    last = content[NEXT_CURSOR]
    assert last is None or isinstance(last, str)
    return replace(answer, content={**content, NEXT_CURSOR: cursors.for_list(name, last)})
