"""Signing in: by key, or by a link that `tocsin up` and `tocsin console` print."""

from __future__ import annotations

from datetime import timedelta
from http import HTTPStatus

from flask import Blueprint, Response, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from service.console.guard import ROOT, SIGN_IN, PageGuard, own_path
from service.console.sessions import KEPT, Sessions
from service.core import Clock, Scope
from service.http import ApiKey, Keys
from service.storage import Store

TRIES = 5
"""Wrong keys that an address may send at once; one more every 12 seconds."""

_PLAIN_HTTP = "The console needs HTTPS beyond this machine: a key must not travel in the clear."
_NO_SCOPE = "This key may not sign in here: it lacks the scope console. Make one: tocsin keys create --scope console …"
_WRONG = "This is not a valid key."
_TOO_MANY = "Too many wrong keys from here. Wait a minute."
_USED = "This link was used already, or is older than 15 minutes. Make a new one: tocsin console"


class SignIn:
    """The pages before a session."""

    def __init__(self, store: Store, keys: Keys, sessions: Sessions, clock: Clock, guard: PageGuard) -> None:
        self._store = store
        self._keys = keys
        self._sessions = sessions
        self._clock = clock
        self._guard = guard

    def add_to(self, routes: Blueprint) -> None:
        """Serve them."""
        routes.add_url_rule("/sign-in", view_func=self.ask, methods=["GET"])
        routes.add_url_rule("/sign-in", view_func=self.by_key, methods=["POST"])
        routes.add_url_rule("/enter/<token>", view_func=self.ask_to_enter, methods=["GET"])
        routes.add_url_rule("/enter/<token>", view_func=self.by_link, methods=["POST"])
        routes.add_url_rule("/sign-out", view_func=self.leave, methods=["POST"])

    def ask(self) -> str | Response:
        """The form that asks for a key."""
        return _form("") if self._guard.is_private else _refused(_PLAIN_HTTP, HTTPStatus.FORBIDDEN)

    def by_key(self) -> Response | AnyResponse:
        """Sign in with a key."""
        if not self._guard.is_private:
            return _refused(_PLAIN_HTTP, HTTPStatus.FORBIDDEN)
        key = self._keys.authenticate(request.form.get("key", "").strip())
        if key is None:
            return self._wrong_key()
        if Scope.CONSOLE not in key.scopes:
            return _refused(_NO_SCOPE, HTTPStatus.FORBIDDEN)
        return self._begin(key, kept="keep" in request.form)

    def ask_to_enter(self, token: str) -> str | Response:
        """Ask before a link is used up: mail scanners and previews open links."""
        key = self._sessions.behind(token)
        if key is None:
            return _refused(_USED, HTTPStatus.GONE)
        return render_template("sign-in/enter.html", name=key.name, action=f"{ROOT}/enter/{token}")

    def by_link(self, token: str) -> Response | AnyResponse:
        """Sign in with a link, once."""
        key = self._sessions.use(token)
        return _refused(_USED, HTTPStatus.GONE) if key is None else self._begin(key, kept=False)

    def leave(self) -> AnyResponse:
        """End the session."""
        self._sessions.end(request.cookies.get(self._guard.cookie, ""))
        response = redirect(SIGN_IN, 303)
        self._guard.forget(response)
        return response

    def _begin(self, key: ApiKey, *, kept: bool) -> AnyResponse:
        response = redirect(own_path(request.values.get("next", ROOT)), 303)
        seconds = int(KEPT / timedelta(seconds=1)) if kept else None
        self._guard.keep(response, self._sessions.begin(key, kept=kept), seconds)
        return response

    def _wrong_key(self) -> Response:
        now = self._clock.now()
        free_at = self._store.reserve(f"sign-in:{request.remote_addr}", 1, TRIES / 60, now, burst=TRIES)
        if free_at > now:
            return _refused(_TOO_MANY, HTTPStatus.TOO_MANY_REQUESTS)
        return _refused(_WRONG, HTTPStatus.UNAUTHORIZED)


def _form(error: str) -> str:
    return render_template("sign-in/key.html", error=error, next=own_path(request.values.get("next", ROOT)))


def _refused(error: str, status: HTTPStatus) -> Response:
    return Response(_form(error), status, mimetype="text/html")
