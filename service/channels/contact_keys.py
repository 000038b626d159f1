"""How a phone or address is looked up without standing in a key: as its HMAC under a secret of the installation.

And how it is shown to whoever may not see it: in part.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from functools import lru_cache

from service.core import caseless


@dataclass(frozen=True, slots=True)
class ContactKeys:
    """Makes lookup keys (32 hexadecimal digits of HMAC-SHA256, RFC 2104).

    A plain hash would not do: all phone numbers of a country can be tried in minutes. Losing or changing the secret
    loses every opt-out, so it is part of the backup.
    """

    secret: bytes = field(repr=False)

    def phone(self, e164: str) -> str:
        """The key of a phone number in E.164."""
        return self._key("phone", e164)

    def email(self, address: str) -> str:
        """The key of an email address; in practice no provider tells upper from lower case."""
        return self._key("email", caseless(address))

    def chat(self, url: str) -> str:
        """The key of a chat room."""
        return self._key("chat", url)

    def _key(self, kind: str, value: str) -> str:
        return _digest(self.secret, f"{kind}:{value}")


@lru_cache(maxsize=4096)
def _digest(secret: bytes, text: str) -> str:
    """Kept for a while: sending one message asks for the same contact's key four times."""
    return hmac.digest(secret, text.encode(), "sha256").hex()[:32]


def masked(address: str | None) -> str | None:
    """As much of a phone or address as tells its owner which one it is."""
    if address is None:
        return None
    name, at, domain = address.partition("@")
    return f"{name[:1]}…@{domain}" if at else f"{address[:3]}…{address[-3:]}"


def masked_url(url: str | None) -> str | None:
    """Of the address of a chat room, which is a secret, the host alone."""
    if url is None:
        return None
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{rest.partition('/')[0]}/…"
