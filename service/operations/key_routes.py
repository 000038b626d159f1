"""API keys over HTTP: list them, make one for an app, end one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from flask import Blueprint
from pydantic import Field

from service.core import Clock, Scope
from service.http import (
    Answer,
    ApiKey,
    Body,
    Caller,
    Choice,
    FieldError,
    Keys,
    NotBlank,
    Shown,
    UnknownKey,
    endpoint,
    invalid,
    not_found,
)
from service.operations.entries import entry
from service.storage import Store

CREATED, REVOKED = "key-created", "key-revoked"
"""What the audit calls it."""


class NewKey(Body):
    """The app that will use the key, which the audit names, and what it may do."""

    name: Annotated[str, Field(min_length=1, max_length=100), NotBlank]
    scopes: Annotated[Sequence[Choice[Scope]], Field(min_length=1, max_length=len(Scope))]


class ShownKey(Shown):
    """A key without its secret."""

    key_id: str
    name: str
    scopes: Sequence[Scope]
    created_at: datetime
    revoked_at: datetime | None


class MadeKey(ShownKey):
    """A new key. `key` is its text: it is shown this once, only its digest is stored."""

    key: str


class KeyList(Shown):
    """Every key, oldest first."""

    items: Sequence[ShownKey]


def blueprint(keys: Keys, store: Store, clock: Clock) -> Blueprint:
    """The calls about keys."""
    routes = Blueprint("keys", __name__)
    _add_list(routes, keys)
    _add_create(routes, keys, store, clock)
    _add_revoke(routes, keys, store, clock)
    return routes


def _add_list(routes: Blueprint, keys: Keys) -> None:
    @endpoint(routes, "GET", "/v1/keys", summary="List the API keys", scope=Scope.ADMIN, answers={200: KeyList})
    def list_keys() -> KeyList:
        """Every key without its secret, the revoked ones included."""
        return KeyList(items=[_shown(key) for key in keys.all()])


def _add_create(routes: Blueprint, keys: Keys, store: Store, clock: Clock) -> None:
    @endpoint(
        routes,
        "POST",
        "/v1/keys",
        summary="Make an API key",
        scope=Scope.ADMIN,
        body=NewKey,
        answers={201: MadeKey},
    )
    def create_key(body: NewKey, caller: Caller) -> Answer:
        """The answer holds the key's text, this once. A repeated call makes another key.

        It can be given the scopes that the calling key has, no others.
        """
        if missing := sorted(set(body.scopes) - caller.scopes):
            raise invalid([FieldError("scopes", f"Your own key lacks {', '.join(missing)}: give only what it has")])
        key, text = keys.create(body.name, body.scopes)
        store.append(entry(CREATED, key.key_id, caller, clock.now()))
        made = MadeKey(**dict(_shown(key)), key=text)
        return Answer(made, headers={"Location": f"/v1/keys/{key.key_id}"})


def _add_revoke(routes: Blueprint, keys: Keys, store: Store, clock: Clock) -> None:
    @endpoint(
        routes,
        "DELETE",
        "/v1/keys/<key_id>",
        summary="End an API key",
        scope=Scope.ADMIN,
        answers={200: ShownKey},
    )
    def revoke_key(key_id: str, caller: Caller) -> ShownKey:
        """Every process refuses it within five seconds, and sessions of the console that began with it end."""
        try:
            key = keys.revoke(key_id)
        except UnknownKey as error:
            raise not_found(f"There is no key {key_id!r}.") from error
        store.append(entry(REVOKED, key.key_id, caller, clock.now()))
        return _shown(key)


def _shown(key: ApiKey) -> ShownKey:
    return ShownKey(
        key_id=key.key_id,
        name=key.name,
        scopes=sorted(key.scopes),
        created_at=key.created_at,
        revoked_at=key.revoked_at,
    )
