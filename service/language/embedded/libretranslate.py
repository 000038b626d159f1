"""Translation by the operator's own LibreTranslate server, by URL (https://github.com/LibreTranslate/LibreTranslate)."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import urllib3

from service.core import NotJson, Tag, UnknownTag, best_match, exact_json, parse_tag
from service.language.patience import patiently
from service.language.protocols import LanguageServiceBusy, LanguageServiceRefused, LanguageServiceUnavailable
from service.work import asked_wait

_OWN_CODES = {"pb": "pt-BR", "zt": "zh-Hant"}
"""Codes of LibreTranslate that are not BCP 47."""

_REFUSING = frozenset({301, 308, 400, 401, 402, 403, 404, 405, 410, 413, 415, 422})
"""Statuses by which a server refuses the call itself. Any other may pass, a gateway's passing redirect too."""

_OK, _TOO_MANY = 200, 429
_MAX_ANSWER_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Server:
    """Where the server is. `url` is its root; `api_key` is for servers that ask for one. Timeouts are in seconds."""

    url: str
    api_key: str | None = field(default=None, repr=False)
    connect_timeout: float = 2.0
    read_timeout: float = 20.0


class LibreTranslateEngine:
    """`Engine` by LibreTranslate; the server's language pairs are asked once, at the first text. Shared by threads.

    No answer in time, 429 and 5xx raise `LanguageServiceUnavailable` (with `Retry-After` where it is
    given); any other refusal raises `LanguageServiceRefused` with the server's own words.
    """

    def __init__(self, server: Server) -> None:
        self._server = server
        timeout = urllib3.Timeout(connect=server.connect_timeout, read=server.read_timeout)
        self._http = urllib3.PoolManager(timeout=timeout, retries=False, maxsize=8)
        self._asking = threading.Lock()
        self._pairs: Mapping[Tag, Mapping[Tag, str]] | None = None
        self._codes: dict[Tag, str] = {}

    @property
    def name(self) -> str:
        return "libretranslate"

    def produces(self, source: Tag, target: Tag, /) -> Tag | None:
        """The server's language for a reader of `target`, from a language that serves `source`."""
        pair = self._pair(source, target)
        return pair[1] if pair else None

    def translate(self, text: str, source: Tag, target: Tag, /) -> str:
        """Translate plain text; line breaks stay."""
        pair = self._pair(source, target)
        if pair is None:
            raise LanguageServiceRefused(f"LibreTranslate has no pair from {source} to {target}")
        key = {"api_key": self._server.api_key} if self._server.api_key else {}
        read, written = pair
        codes = {"source": self._codes[read], "target": self._known_pairs()[read][written]}
        answer = self._call("POST", "/translate", {"q": text, **codes, "format": "text", **key})
        match answer:
            case {"translatedText": str(translated)}:
                return translated
        raise LanguageServiceUnavailable("LibreTranslate answered 200 without a translatedText")

    def _pair(self, source: Tag, target: Tag) -> tuple[Tag, Tag] | None:
        pairs = self._known_pairs()
        read = best_match(source, pairs)
        written = best_match(target, pairs[read]) if read else None
        return (read, written) if read and written else None

    def _known_pairs(self) -> Mapping[Tag, Mapping[Tag, str]]:
        with self._asking:
            if self._pairs is None:
                self._pairs = self._read_languages(self._call("GET", "/languages"))
            return self._pairs

    def _read_languages(self, answer: object) -> Mapping[Tag, Mapping[Tag, str]]:
        pairs: dict[Tag, Mapping[Tag, str]] = {}
        for language in answer if isinstance(answer, list) else []:
            match language:
                case {"code": str(code), "targets": list(targets)} if source := _tag(code):
                    self._codes[source] = code
                    pairs[source] = _by_tag(targets)
        if not pairs:
            raise LanguageServiceUnavailable(f"{self._server.url}/languages names no language: is it LibreTranslate?")
        return pairs

    def _call(self, method: str, path: str, body: Mapping[str, str] | None = None) -> object:
        return patiently(lambda: self._called(method, path, body))

    def _called(self, method: str, path: str, body: Mapping[str, str] | None) -> object:
        headers = {"Accept": "application/json", **({"Content-Type": "application/json"} if body else {})}
        try:
            response = self._http.request(
                method,
                self._server.url.rstrip("/") + path,
                body=exact_json.dumps(body).encode() if body else None,
                headers=headers,
                preload_content=False,
            )
            content = response.read(_MAX_ANSWER_BYTES, decode_content=True)
            response.release_conn()
        except urllib3.exceptions.HTTPError as error:
            raise LanguageServiceUnavailable(
                f"LibreTranslate at {self._server.url} does not answer: {error}"
            ) from error
        return _read(response.status, response.headers, content)


def _read(status: int, headers: Mapping[str, str], content: bytes) -> object:
    """The answer's document, or the error that its status stands for."""
    try:
        document = exact_json.loads(content)
    except NotJson:
        document = None
    reason = document.get("error") if isinstance(document, dict) else None
    if status in _REFUSING:
        raise LanguageServiceRefused(f"LibreTranslate answered {status}: {reason or 'check its URL and key'}")
    if status != _OK:
        seconds = asked_wait(headers).total_seconds() or None
        later = LanguageServiceBusy if status == _TOO_MANY else LanguageServiceUnavailable
        raise later(f"LibreTranslate answered {status}: {reason or 'try later'}", seconds)
    if document is None:
        raise LanguageServiceUnavailable("LibreTranslate answered 200 with something that is not JSON")
    return document


def _by_tag(codes: Sequence[object]) -> dict[Tag, str]:
    return {tag: code for code in codes if isinstance(code, str) and (tag := _tag(code))}


def _tag(code: str) -> Tag | None:
    try:
        return parse_tag(_OWN_CODES.get(code, code))
    except UnknownTag:
        return None
