"""How messages are written for each kind of chat server, and what their answers mean."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from urllib.parse import SplitResult

import pytest

from service.channels import Accepted, Outcome, Reason, Reference, Refused, Unknown
from service.channels.chat import Chat, parse_chat_url
from service.channels.chat.webhooks import ChatWebhooks
from service.core.clock import HandClock
from service.core.language_tags import Tag
from service.core.outside_posts import HostSilent, OutsidePosts, PrivateNetwork
from service.core.posting import PostResponse
from service.core.web_addresses import NotAnAddress

NOON = datetime(2026, 5, 10, 12, tzinfo=UTC)
LATER = NOON + timedelta(minutes=1)


class Wire(OutsidePosts):
    """Answers instead of a network, and keeps the bodies."""

    def __init__(self, *answers: PostResponse | Exception) -> None:
        super().__init__(timedelta(seconds=1))
        object.__setattr__(self, "answers", list(answers))
        object.__setattr__(self, "bodies", [])

    answers: list[PostResponse | Exception]
    bodies: list[object]

    def post(self, _parts: SplitResult, _headers: Mapping[str, str], body: bytes) -> PostResponse:
        self.bodies.append(json.loads(body))
        answer = self.answers.pop(0) if self.answers else PostResponse(200, {})
        if isinstance(answer, Exception):
            raise answer
        return answer


def chat(url: str = "https://chat.example/hooks/1", text: str = "Pump <1> & 2", name: str = "m1") -> Chat:
    return Chat(url, text, Tag("en"), Reference(name, 1))


def outcome(answer: PostResponse | Exception) -> Outcome:
    carrier = ChatWebhooks(Wire(answer), HandClock(NOON))
    return carrier.hand_over([chat()], LATER)[0].outcome


@pytest.mark.parametrize(
    ("url", "body"),
    [
        ("https://hooks.slack.com/services/T/B/x", {"text": "Pump &lt;1&gt; &amp; 2"}),
        ("https://mattermost.example/hooks/x", {"text": "Pump <1> & 2"}),
    ],
)
def test_each_server_gets_the_text_as_it_reads_it(url: str, body: object) -> None:
    wire = Wire()
    ChatWebhooks(wire, HandClock(NOON)).hand_over([chat(url)], LATER)
    assert wire.bodies == [body]


def test_teams_gets_a_card() -> None:
    wire = Wire()
    room = chat("https://prod-1.westeurope.logic.azure.com/workflows/x")
    ChatWebhooks(wire, HandClock(NOON)).hand_over([room], LATER)
    assert '"TextBlock", "text": "Pump <1> & 2"' in json.dumps(wire.bodies[0])


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (404, Reason.ADDRESS),
        (410, Reason.ADDRESS),
        (302, Reason.ADDRESS),
        (400, Reason.CONTENT),
        (429, Reason.LATER),
        (500, Reason.LATER),
    ],
)
def test_what_an_answer_means(status: int, reason: Reason) -> None:
    result = outcome(PostResponse(status, {"retry-after": "9"}))
    assert isinstance(result, Refused)
    assert result.reason is reason
    assert result.retry_after == (timedelta(seconds=9) if reason is Reason.LATER else timedelta(0))


def test_a_message_that_may_have_arrived_is_in_doubt() -> None:
    assert isinstance(outcome(HostSilent("TimeoutError")), Unknown)
    refused = outcome(HostSilent("ConnectionRefusedError"))
    assert isinstance(refused, Refused)
    assert refused.reason is Reason.LATER


def test_nothing_goes_into_our_own_network() -> None:
    result = outcome(PrivateNetwork("leads into a private or reserved network: nothing is sent there"))
    assert isinstance(result, Refused)
    assert result.permanent


def test_a_room_that_hangs_keeps_the_others_waiting_once() -> None:
    wire = Wire(HostSilent("TimeoutError"))
    messages = [chat(name="m1"), chat(name="m2"), chat("https://other.example/hooks/1", name="m3")]
    outcomes = [each.outcome for each in ChatWebhooks(wire, HandClock(NOON)).hand_over(messages, LATER)]
    assert isinstance(outcomes[0], Unknown)
    assert isinstance(outcomes[1], Refused)
    assert outcomes[1].untried
    assert isinstance(outcomes[2], Accepted)
    assert len(wire.bodies) == 2


def test_what_there_is_no_time_for_stays_untried() -> None:
    wire = Wire()
    (handed,) = ChatWebhooks(wire, HandClock(LATER)).hand_over([chat()], LATER)
    assert isinstance(handed.outcome, Refused)
    assert handed.outcome.untried
    assert wire.bodies == []


def test_no_outcome_holds_the_address() -> None:
    for answer in (
        PostResponse(404, {}),
        PostResponse(500, {}),
        HostSilent("TimeoutError"),
        PrivateNetwork("leads nowhere"),
    ):
        assert "hooks" not in str(outcome(answer))


@pytest.mark.parametrize(
    "url", ["http://chat.example/x", "chat.example", "ftp://chat.example", "https://u:p@chat.example"]
)
def test_an_address_is_https_without_a_user(url: str) -> None:
    with pytest.raises(NotAnAddress):
        parse_chat_url(url)
