"""Messages to chat rooms: posted to real webhooks on this machine, answered by the signed link in them."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from service.core.clock import HandClock
from service.core.enums import Scope
from tests.functional.backends import Install
from tests.functional.client import ROOT
from tests.functional.conftest import api_of
from tests.functional.incident_room import BEN, Room
from tests.loopback import serving

REPEATED_ON_AWS = False

NOW = datetime(2026, 5, 10, 12, tzinfo=UTC)


@dataclass
class ChatServer:
    """Rooms that keep what is posted to them, and answer what they are told to."""

    port: int = 0
    posts: list[tuple[str, object]] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)

    def room(self, name: str) -> str:
        return f"http://127.0.0.1:{self.port}/hooks/{name}"

    def texts(self, name: str) -> list[str]:
        return [str(body["text"]) for path, body in self.posts if path == f"/hooks/{name}" and isinstance(body, dict)]


@pytest.fixture
def chat() -> Iterator[ChatServer]:
    server = ChatServer()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            server.posts.append((self.path, json.loads(body)))
            self.send_response(server.answers.pop(0) if server.answers else 200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (http.server's name)
            """Say nothing."""

    with serving(Handler) as port:
        server.port = port
        yield server


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    """The shipped rules, with a policy that pages by chat and then by SMS."""
    folder = tmp_path / "rules"
    shutil.copytree(ROOT / "rules", folder)
    policy = folder / "escalation" / "chat.yaml"
    policy.write_text(
        "escalation: chat\n"
        "levels:\n"
        "  - {contacts: [1], channels: [chat, sms], wait: 40s, reminders: 0}\n"
        "  - {contacts: [2], channels: [sms], wait: 40s, reminders: 0}\n"
    )
    return folder


@pytest.fixture
def room(install: Install, rules: Path) -> Room:
    settings = {"public_url": "https://tocsin.example", "chat_webhooks": True, "loopback_callbacks": True}
    service = install(HandClock(NOW), rules_dir=rules, **settings)
    service.working_copies.sweep()  # the rules that judge notifications
    return Room(api_of(service))


def people(chat: ChatServer) -> list[dict[str, str]]:
    return [{"name": "Ann", "chat_url": chat.room("ann")}, {"name": "Ben", "phone": BEN}]


def test_a_page_is_posted_to_the_room_and_acknowledged_by_its_link(room: Room, chat: ChatServer) -> None:
    incident = room.opens(policy="chat", contacts=people(chat))
    (text,) = chat.texts("ann")
    assert "Pump 1 failed" in text
    assert "Can you take it?" in text
    assert "Reply YES" not in text, "nobody reads what is written in the room"
    assert "Paged Ann by chat" in room.timeline(incident)
    assert not room.inbox(BEN)
    link = re.search(r"https://tocsin\.example(/a/\S+)", text)
    assert link is not None, "a room can answer by a link alone: the policy need not ask for one"
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    browser = room.api.client.with_key(None)
    assert browser.call("POST", link[1], body="answer=yes", headers=form).status == 200
    room.works()
    assert room.read(incident)["acknowledged_by"] == "Ann"
    assert len(chat.texts("ann")) == 2, "the room reads that it is taken"


def test_a_room_that_is_gone_lets_the_next_level_begin(room: Room, chat: ChatServer) -> None:
    chat.answers = [404]
    incident = room.opens(policy="chat", contacts=people(chat))
    assert len(room.inbox(BEN)) == 1
    assert "Paged Ben by sms" in room.timeline(incident)


def test_a_room_that_is_busy_is_posted_to_again(room: Room, chat: ChatServer) -> None:
    chat.answers = [503]
    room.opens(policy="chat", contacts=people(chat))
    room.waits(10)
    assert len(chat.texts("ann")) == 2


def test_a_notification_reaches_the_room_of_a_profile(room: Room, chat: ChatServer) -> None:
    client, path = room.api.client, "/v1/recipients/u1"
    profile = {"first_name": "Ann", "language": "en", "preference": "chat"}
    assert client.call("PUT", path, json=profile).status == 422, "a chat_url is missing"
    assert client.call("PUT", path, json=profile | {"chat_url": chat.room("u1")}).status == 201
    assert client.get(path).json()["chat_url"] == chat.room("u1")
    message = {"text": "The warehouse is <closed>.", "recipients": ["u1"], "language": "en"}
    assert client.post("/v1/notifications", message).status == 202
    room.works()
    assert chat.texts("u1") == ["The warehouse is <closed>."]


def test_the_address_of_a_room_is_shown_in_part(room: Room, chat: ChatServer) -> None:
    room.opens(policy="chat", contacts=people(chat))
    _, key = room.api.service.keys.create("incidents alone", [Scope.INCIDENTS])
    text = room.api.client.with_key(key).get("/v1/incidents").text
    assert f"http://127.0.0.1:{chat.port}/" in text
    assert "/hooks/" not in text


@pytest.mark.parametrize("url", ["http://hooks.example/x", "hooks.example/x", "https://user:pw@hooks.example/x"])
def test_an_address_that_no_message_may_go_to_is_refused(room: Room, url: str) -> None:
    contacts = [{"name": "Ann", "chat_url": url}]
    reply = room.api.client.post("/v1/incidents", {"description": "Pump 1 failed", "contacts": contacts})
    assert reply.status == 422
    assert "chat_url" in reply.text


def test_by_default_the_outbox_keeps_what_a_room_would_get(install: Install, rules: Path) -> None:
    settings = {"chat_webhooks": False, "public_url": "https://tocsin.example"}
    room = Room(api_of(install(HandClock(NOW), rules_dir=rules, **settings)))
    url = "https://hooks.example/x"
    room.opens(policy="chat", contacts=[{"name": "Ann", "chat_url": url}])
    (entry,) = room.entries(url)
    assert entry.channel == "chat"
