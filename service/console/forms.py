"""Forms of the console: what each one sends is taken by exactly one call of the API, which is declared with it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from flask import Blueprint, g
from werkzeug.wrappers import Response

Page = str | Response


@dataclass(frozen=True, slots=True)
class PageForm:
    """What takes a form: `call` is the API's operation, which may hold places of the path: `lanes.{deed}_lane`."""

    call: str
    view: Callable[..., Page]

    def __call__(self, **places: object) -> Page:
        g.console_call = self.call_for(places)
        return self.view(**places)

    def call_for(self, places: dict[str, object]) -> str:
        """The operation for a form that was sent to these places."""
        return self.call.format(**places)


def takes_form(routes: Blueprint, path: str, call: str) -> Callable[[Callable[..., Page]], Callable[..., Page]]:
    """Serve the forms that are sent to `path`; their view makes no other changing call than `call`."""

    def declare(view: Callable[..., Page]) -> Callable[..., Page]:
        routes.add_url_rule(path, view.__name__, PageForm(call, view), methods=["POST"])
        return view

    return declare


def declared_call() -> str | None:
    """The call of the form that is being taken; None while a page is only shown."""
    name: str | None = g.get("console_call")
    return name
