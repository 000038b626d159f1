"""LibreTranslate by URL, against a real HTTP server on loopback that answers as its documentation says."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler

import pytest

from service.core.exact_json import dumps, loads
from service.core.language_tags import Tag, parse_tag
from service.language import LanguageServiceRefused, LanguageServiceUnavailable, Translation
from service.language.embedded.detect import EmbeddedDetector
from service.language.embedded.libretranslate import LibreTranslateEngine, Server
from service.language.machine import MachineTranslator
from tests.loopback import serving

EN, DE = parse_tag("en"), parse_tag("de")
LANGUAGES = [
    {"code": "en", "name": "English", "targets": ["de", "fr", "pb", "pt", "zh", "zt"]},
    {"code": "de", "name": "German", "targets": ["en"]},
]


@dataclass
class Answer:
    """What the server says to the next request for a path."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Libre:
    """A server, what it will answer by path, and what it was asked."""

    url: str
    answers: dict[str, Answer]
    asked: list[dict[str, object]]
    hang: threading.Event

    def says(self, path: str, document: object, status: int = 200, **headers: str) -> None:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.answers[path] = Answer(status, dumps(document).encode(), named)


@pytest.fixture
def libre() -> Iterator[Libre]:
    answers: dict[str, Answer] = {}
    asked: list[dict[str, object]] = []
    hang = threading.Event()
    hang.set()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _reply(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if body:
                document = loads(body)
                assert isinstance(document, dict)
                asked.append(document)
            hang.wait(10)
            answer = answers[self.path]
            self.send_response(answer.status)
            for name, value in {**answer.headers, "Content-Length": str(len(answer.body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer.body)

        do_GET = do_POST = _reply  # noqa: N815 - the names that http.server calls

        def log_message(self, *_: object) -> None: ...

    with serving(Handler) as port:
        started = Libre(f"http://127.0.0.1:{port}/", answers, asked, hang)
        started.says("/languages", LANGUAGES)
        started.says("/translate", {"translatedText": "Das Lager ist geschlossen."})
        yield started
        hang.set()


def engine(libre: Libre, api_key: str | None = None) -> LibreTranslateEngine:
    return LibreTranslateEngine(Server(libre.url, api_key, read_timeout=0.3))


def test_a_text_is_sent_as_text_with_the_server_s_codes_and_our_key(libre: Libre) -> None:
    answer = engine(libre, api_key="k-1").translate("The warehouse is closed.", parse_tag("en-GB"), parse_tag("de-AT"))
    assert answer == "Das Lager ist geschlossen."
    assert libre.asked == [
        {"q": "The warehouse is closed.", "source": "en", "target": "de", "format": "text", "api_key": "k-1"}
    ]


@pytest.mark.parametrize(
    ("target", "code"),
    [("pt-BR", "pb"), ("pt", "pt"), ("zh-TW", "zt"), ("zh-Hant", "zt"), ("zh", "zh"), ("fr-CA", "fr")],
)
def test_regions_keep_their_own_code(libre: Libre, target: str, code: str) -> None:
    engine(libre).translate("Closed.", EN, parse_tag(target))
    assert libre.asked[0]["target"] == code


@pytest.mark.parametrize(
    ("source", "target"), [("en", "pt-PT"), ("en", "pl"), ("fr", "de"), ("de", "fr"), ("zh-TW", "en")]
)
def test_a_pair_that_the_server_does_not_offer_is_not_asked_for(libre: Libre, source: str, target: str) -> None:
    assert engine(libre).produces(parse_tag(source), parse_tag(target)) is None
    assert not libre.asked


def test_its_answers_are_checked_like_any_machine_s(libre: Libre) -> None:
    machine = MachineTranslator(engine(libre), EmbeddedDetector())
    libre.says("/translate", {"translatedText": "Guten Tag VAR1, das Lager ist geschlossen."})
    answer = machine.translate("Hello {{ name }}, the warehouse is closed.", EN, DE)
    assert answer == Translation("Guten Tag {{ name }}, das Lager ist geschlossen.", DE, "machine:libretranslate")
    assert libre.asked[0]["q"] == "Hello VAR1, the warehouse is closed."


def translate(libre: Libre, target: Tag = DE) -> str:
    return engine(libre).translate("The warehouse is closed.", EN, target)


@pytest.mark.parametrize("status", [302, 408, 409, 425, 429, 500, 502, 503, 504])
def test_a_busy_server_is_asked_again_later_when_it_says_so(libre: Libre, status: int) -> None:
    libre.says("/translate", {"error": "Slowdown: 10 per 1 minute"}, status, Retry_After="17")
    with pytest.raises(LanguageServiceUnavailable, match=f"{status}: Slowdown") as error:
        translate(libre)
    assert error.value.retry_after == 17


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 301, 308])
def test_a_refusal_is_for_the_operator_in_the_server_s_words(libre: Libre, status: int) -> None:
    libre.says("/translate", {"error": "Invalid API key"}, status, Location="http://127.0.0.1:1/")
    with pytest.raises(LanguageServiceRefused, match=f"{status}: Invalid API key"):
        translate(libre)


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b'{"translatedText": 7}', b'{"translatedText": null}', b"\xff\xfe"]
)
def test_a_malformed_answer_is_a_fault_of_the_server(libre: Libre, body: bytes) -> None:
    libre.answers["/translate"] = Answer(200, body)
    with pytest.raises(LanguageServiceUnavailable):
        translate(libre)


def test_the_key_is_never_shown() -> None:
    assert "k-1" not in repr(Server("http://127.0.0.1:1", "k-1"))


def test_a_page_that_is_not_libretranslate_is_named(libre: Libre) -> None:
    libre.says("/languages", {"hello": "world"})
    with pytest.raises(LanguageServiceUnavailable, match="is it LibreTranslate"):
        translate(libre)


def test_a_server_that_hangs_is_given_up_in_time(libre: Libre) -> None:
    libre.hang.clear()
    with pytest.raises(LanguageServiceUnavailable, match="does not answer"):
        translate(libre)


def test_a_port_where_nothing_listens_is_unavailable_and_the_next_call_recovers(libre: Libre) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        nowhere = LibreTranslateEngine(Server(f"http://127.0.0.1:{taken.getsockname()[1]}"))
        with pytest.raises(LanguageServiceUnavailable):
            nowhere.translate("The warehouse is closed.", EN, DE)
    recovering = engine(libre)
    libre.says("/languages", {}, 503)
    with pytest.raises(LanguageServiceUnavailable):
        recovering.translate("The warehouse is closed.", EN, DE)
    libre.says("/languages", LANGUAGES)
    assert recovering.translate("The warehouse is closed.", EN, DE) == "Das Lager ist geschlossen."
