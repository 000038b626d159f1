"""The declaration of a call. The endpoint enforces it, and the API's description is made from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import BaseModel

from service.core import Scope
from service.http.catalogue import ProblemType
from service.http.formats import JSON, Format, Writer


@dataclass(frozen=True, slots=True)
class Operation:
    """One call of the API. `answers` maps statuses to models; the first is the usual one. Any of `scopes` will do.

    `media_type` is that of answers without a model.
    """

    name: str
    method: str
    path: str
    summary: str
    description: str
    scopes: tuple[Scope, ...]
    answers: Mapping[int, type[BaseModel] | None]
    formats: tuple[Format, ...] = ()
    body_optional: bool = False
    writers: tuple[Writer, ...] = ()
    media_type: str = JSON
    query: type[BaseModel] | None = None
    headers: tuple[str, ...] = ()
    creates: bool = False
    body_limit: int | None = None
    problems: tuple[ProblemType, ...] = ()
    tag: str = ""

    @property
    def usual_status(self) -> int:
        """The status of an answer that names none."""
        return next(iter(self.answers))
