"""Who is signed in: sessions and one-time links, both stored as digests of random tokens."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256

from msgspec import structs

from service.core import Clock, Scope, from_state, to_state
from service.http import ApiKey, Keys
from service.storage import Conflict, Item, Store

LASTS = timedelta(hours=12)
"""How long a session lasts at most."""

IDLE = timedelta(hours=1)
"""A session ends when nothing was asked for so long."""

KEPT = timedelta(days=30)
"""How long a session on somebody's own phone lasts, used or not."""

KEPT_SCOPES = frozenset({Scope.INCIDENTS, Scope.REVIEW, Scope.CONSOLE})
"""What can be done from a session that lasts for weeks: answer incidents and review messages."""

NOTED_EVERY = timedelta(minutes=5)
"""How often at most it is noted that a session is used."""

LINK_LASTS = timedelta(minutes=15)
"""How long a one-time link signs in."""


@dataclass(frozen=True, slots=True)
class Session:
    """One browser that is signed in with a key; `kept` on somebody's own phone."""

    key_id: str
    began_at: datetime
    seen_at: datetime
    kept: bool = False

    def is_over(self, now: datetime) -> bool:
        """Whether it must sign in again."""
        if self.kept:
            return now >= self.began_at + KEPT
        return now >= self.began_at + LASTS or now >= self.seen_at + IDLE

    def narrowed(self, key: ApiKey) -> ApiKey:
        """The key with what may be done in this session."""
        return replace(key, scopes=key.scopes & KEPT_SCOPES) if self.kept else key


@dataclass(frozen=True, slots=True)
class SignInLink:
    """A link that signs in once with a key."""

    key_id: str


class Sessions:
    """The sessions and links in the store. A revoked key ends its sessions: the key is asked for at each request."""

    def __init__(self, store: Store, keys: Keys, clock: Clock) -> None:
        self._store = store
        self._keys = keys
        self._clock = clock

    def begin(self, key: ApiKey, *, kept: bool = False) -> str:
        """Sign in with a key; answers the token that the browser keeps."""
        now = self._clock.now()
        token = secrets.token_urlsafe(32)
        session = Session(key.key_id, now, now, kept)
        expires_at = now + (KEPT if kept else LASTS)
        self._store.add(Item(_session_id(token), "console-session", to_state(session), expires_at=expires_at))
        return token

    def signed_in(self, token: str) -> ApiKey | None:
        """The key of a session, with what may be done in it; None if the session or the key has ended."""
        item = self._store.get(_session_id(token))
        if item is None:
            return None
        session = from_state(Session, item.state)
        now = self._clock.now()
        key = self._keys.active(session.key_id)
        if key is None or session.is_over(now):
            return None
        if not session.kept and now >= session.seen_at + NOTED_EVERY:
            self._note(item, replace(session, seen_at=now))
        return session.narrowed(key)

    def end(self, token: str) -> None:
        """Sign out."""
        item = self._store.get(_session_id(token))
        if item is None:
            return
        try:
            self._store.remove(item)
        except Conflict:  # its use was noted in between
            self.end(token)

    def link(self, key: ApiKey) -> str:
        """The token of a link that signs in once, within `LINK_LASTS`."""
        token = secrets.token_urlsafe(32)
        state = to_state(SignInLink(key.key_id))
        self._store.add(Item(_link_id(token), "console-link", state, expires_at=self._clock.now() + LINK_LASTS))
        return token

    def behind(self, token: str) -> ApiKey | None:
        """The key that a link would sign in with; None if it was used or is too old."""
        item = self._store.get(_link_id(token))
        return None if item is None else self._keys.active(from_state(SignInLink, item.state).key_id)

    def use(self, token: str) -> ApiKey | None:
        """Use up a link: of several at once one gets the key, the others None."""
        item = self._store.get(_link_id(token))
        if item is None:
            return None
        try:
            self._store.remove(item)
        except Conflict:  # somebody else used it at the same moment
            return None
        return self._keys.active(from_state(SignInLink, item.state).key_id)

    def _note(self, item: Item, session: Session) -> None:
        try:
            self._store.save(structs.replace(item, state=to_state(session)))
        except Conflict:  # another request of the same browser has noted it
            return


def _session_id(token: str) -> str:
    return f"session-{_digest(token)}"


def _link_id(token: str) -> str:
    return f"enter-{_digest(token)}"


def _digest(token: str) -> str:
    return sha256(token.encode()).hexdigest()[:32]
