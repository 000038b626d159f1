"""A small API of its own for the tests of `service.http`: a door for every thing that the plumbing does."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from flask import Blueprint, Flask
from werkzeug.test import TestResponse

from service.core.clock import HandClock
from service.core.enums import Lane, Scope
from service.core.errors import Unavailable
from service.http import (
    Answer,
    Body,
    Caller,
    Choice,
    Content,
    Exact,
    Format,
    Instant,
    Keys,
    Limit,
    Query,
    Shown,
    Writer,
    adopt_request_id,
    endpoint,
    install,
    json_of,
    not_found,
    text_of,
)
from service.storage import Conflict
from service.storage.sqlite import SqliteStore

NOON = datetime(2026, 5, 10, 12, 0, tzinfo=UTC)


class Line(Body):
    """One thing that is ordered."""

    name: str
    count: int


class Order(Body):
    """What is ordered."""

    lines: Sequence[Line]
    price: Exact = Decimal(0)
    lane: Choice[Lane] = Lane.BULK
    send_at: Instant | None = None
    request_id: str | None = None


class OrderShown(Shown):
    """An order."""

    order_id: str
    app: str
    price: Decimal
    made_at: datetime


class Page(Query):
    """Which to list."""

    limit: Limit = 50


def _csv(raw: bytes) -> object:
    return Order(lines=[Line(name=raw.decode(), count=1)])


def _as_xml(content: Content) -> str:
    assert isinstance(content, OrderShown)
    return f"<order><price>{content.price}</price></order>"


@dataclass
class Shop:
    """The API with its store, clock and keys; `on_order` is what happens inside a creating call."""

    folder: Path
    clock: HandClock = field(default_factory=lambda: HandClock(NOON))
    on_order: Callable[[Caller], None] = lambda _caller: None
    made: list[str] = field(default_factory=list)
    body_limit: int = 256 * 1024
    access_log: bool = False

    def __post_init__(self) -> None:
        self.folder.mkdir(exist_ok=True)
        self.store = SqliteStore(self.folder / "shop.db", self.clock)
        self.keys = Keys(self.store, self.clock)
        self.key = self.key_for("shop", list(Scope))
        self.app = Flask("shop")
        parts = (self.app, self.store, self.keys, self.clock)
        install(*parts, body_limit=self.body_limit, access_log=self.access_log)
        self.app.register_blueprint(self._orders())

    def key_for(self, name: str, scopes: Sequence[Scope]) -> str:
        """A new key's text."""
        return self.keys.create(name, scopes)[1]

    def post(
        self,
        body: str | bytes = '{"lines":[]}',
        content_type: str | None = "application/json",
        key: str | None = "",
        path: str = "/v1/orders",
        **headers: str,
    ) -> TestResponse:
        """POST with the shop's own key unless another, or None, is given; header names with `_` for `-`."""
        given = _headers(self.key if key == "" else key, headers)
        return self.app.test_client().post(path, data=body, content_type=content_type, headers=given)

    def get(self, path: str, key: str | None = "", **headers: str) -> TestResponse:
        """GET likewise."""
        return self.app.test_client().get(path, headers=_headers(self.key if key == "" else key, headers))

    def _orders(self) -> Blueprint:
        routes = Blueprint("orders", __name__)
        self._take_orders(routes)
        _read_orders(routes)
        _take_files(routes)
        _take_acknowledgements(routes)
        _fail(routes, "bug", ZeroDivisionError("the phone is +447700900123"))
        _fail(routes, "unavailable", Unavailable("the database at /secret/place is locked"))
        _fail(routes, "conflict", Conflict("version 3 is not version 2"))
        return routes

    def _take_orders(self, routes: Blueprint) -> None:
        @endpoint(
            routes,
            "POST",
            "/v1/orders",
            summary="Order",
            scope=Scope.NOTIFY,
            body=(json_of(Order), Format("text/csv", _csv)),
            answers={201: OrderShown},
            writers=(Writer("application/xml", _as_xml),),
            creates=True,
        )
        def order(body: Order, caller: Caller) -> Answer:
            """Order something."""
            if body.request_id is not None:
                adopt_request_id(body.request_id)
            self.on_order(caller)
            self.made.append(caller.resource_id)
            shown = OrderShown(
                order_id=caller.resource_id, app=caller.app, price=body.price, made_at=caller.received_at
            )
            return Answer(shown, headers={"Location": f"/v1/orders/{caller.resource_id}"})


def _read_orders(routes: Blueprint) -> None:
    @endpoint(
        routes,
        "GET",
        "/v1/orders/<int:number>",
        summary="One order",
        scope=Scope.AUDIT,
        query=Page,
        answers={200: None},
    )
    def read(number: int, query: Page) -> Mapping[str, object]:
        if number == 0:
            raise not_found("There is no order 0.")
        return {"number": number, "limit": query.limit, "price": Decimal("360.00")}


def _take_files(routes: Blueprint) -> None:
    @endpoint(
        routes,
        "PUT",
        "/v1/file",
        summary="A file",
        scope=Scope.RULES_WRITE,
        body=(text_of(),),
        answers={200: None},
        headers=("If-Match",),
        body_limit=4 * 1024 * 1024,
    )
    def file(body: str, caller: Caller) -> Mapping[str, object]:
        return {"length": len(body), "raw": len(caller.raw_body), "if_match": caller.headers.get("If-Match")}


def _take_acknowledgements(routes: Blueprint) -> None:
    @endpoint(
        routes,
        "POST",
        "/v1/acknowledge",
        summary="A body that may be left out",
        scope=None,
        body=Line,
        answers={200: None},
    )
    def acknowledge(caller: Caller, body: Line | None = None) -> Mapping[str, object]:
        return {"named": body is not None, "app": caller.app}


def _fail(routes: Blueprint, name: str, error: Exception) -> None:
    def fail() -> Answer:
        raise error

    fail.__name__ = name
    endpoint(routes, "GET", f"/v1/{name}", summary="Fails", scope=None, answers={200: None})(fail)


def _headers(key: str | None, headers: Mapping[str, str]) -> dict[str, str]:
    authorization = {"Authorization": f"Bearer {key}"} if key is not None else {}
    return {**authorization, **{name.replace("_", "-"): text for name, text in headers.items()}}
