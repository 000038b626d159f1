"""One account at Twilio: a POST creates a message or a call.

https://www.twilio.com/docs/messaging/api/message-resource · https://www.twilio.com/docs/voice/api/call-resource
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode

import urllib3
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError, ProxyError, SSLError

from service.channels.message import Accepted, Outcome, Reason, Reference, Refused, Unknown
from service.channels.twilio.meanings import meaning
from service.core import Unavailable, exact_json
from service.work import ANSWERED_WITHIN_S, CONNECTED_WITHIN_S, asked_wait

API = "https://api.twilio.com"
CONNECTIONS = 32
"""Pooled connections, where nobody says how many threads use them."""

TIMEOUT = urllib3.Timeout(connect=CONNECTED_WITHIN_S, read=ANSWERED_WITHIN_S)

_NEVER_ARRIVED = (NewConnectionError, ConnectTimeoutError, ProxyError, SSLError)
_GATEWAY_TIMEOUT = 504

Form = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Account:
    """Whose messages these are. `token` is the password of `sid`; `receipts` is where Twilio reports what became of
    a message, None for nowhere.
    """

    sid: str
    token: str = field(repr=False)
    receipts: str | None = None
    url: str = API


class TwilioSilent(Unavailable):
    """Twilio could not be asked."""


class Twilio:
    """Creates messages and calls. Shared by the threads of a process."""

    def __init__(self, account: Account, connections: int = CONNECTIONS) -> None:
        self._account = account
        self._pool = urllib3.PoolManager(
            maxsize=connections,
            block=False,
            retries=False,  # no request names itself, so a second one is a second message
            timeout=TIMEOUT,
            headers=urllib3.make_headers(basic_auth=f"{account.sid}:{account.token}", user_agent="Tocsin"),
        )

    def answers_at(self, reference: Reference) -> str | None:
        """Where Twilio says which key was pressed during a call; None where it cannot reach us."""
        return None if self._account.receipts is None else self._callback(reference)

    def create(self, resource: str, form: Form, reference: Reference) -> Outcome:
        """POST to `Messages` or `Calls`. The delivery id and attempt ride in the address for receipts."""
        callback = {} if self._account.receipts is None else {"StatusCallback": self._callback(reference)}
        try:
            answer = self._pool.request(
                "POST", self._url(f"/{resource}"), fields={**form, **callback}, encode_multipart=False
            )
        except _NEVER_ARRIVED as error:
            return Refused(Reason.PROVIDER, f"Twilio cannot be reached: {type(error).__name__}")
        except HTTPError as error:
            return Unknown(f"the answer was lost: {type(error).__name__}")
        return _outcome(answer.status, answer.headers, answer.data)

    def look(self, resource: str = "", **query: str) -> tuple[int, Mapping[str, object]]:
        """Read the account itself, or one of its lists: status and document; `TwilioSilent`."""
        try:
            answer = self._pool.request("GET", self._url(resource and f"/{resource}"), fields=query)
        except HTTPError as error:
            raise TwilioSilent(f"Twilio does not answer: {type(error).__name__}") from error
        return answer.status, _document(answer.data)

    def _url(self, path: str) -> str:
        return f"{self._account.url.rstrip('/')}/2010-04-01/Accounts/{self._account.sid}{path}.json"

    def _callback(self, reference: Reference) -> str:
        return (
            f"{self._account.receipts}?{urlencode({'delivery': reference.delivery_id, 'attempt': reference.attempt})}"
        )


def _outcome(status: int, headers: Mapping[str, str], body: bytes) -> Outcome:
    """What an answer means. 504 is an intermediary's: whether Twilio has the message, it cannot know either."""
    if status == _GATEWAY_TIMEOUT:
        return Unknown("a gateway gave up waiting for Twilio (504)")
    document = _document(body)
    if 200 <= status < 300:
        sid = document.get("sid")
        return Accepted(sid) if isinstance(sid, str) and sid else Unknown("the answer held no sid")
    code = document.get("code")
    number = code if isinstance(code, int) else None
    return Refused(meaning(status, number), f"{status}, code {number or 'none'} of Twilio", asked_wait(headers))


def _document(body: bytes) -> Mapping[str, object]:
    try:
        document = exact_json.loads(body)
    except exact_json.NotJson:
        return {}
    return document if isinstance(document, dict) else {}
