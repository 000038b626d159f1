"""What a letter asks for: whatever is written, it is understood or refused with a reason."""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.core.inbound_queue import QueueMessage
from service.intake import consumer
from service.intake.commands import EvaluationCommand, IncidentCommand, NotificationCommand
from service.intake.events.mappings import Mappings, ToRuleset
from service.intake.queue_messages import LetterNotUnderstood, QueueRequest, read

MAPPINGS = Mappings({("a", "B"): ToRuleset("premium", None)})
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
WORDS = ["id", "ruleset", "evaluation", "notification", "incident", "source", "detail-type", "detail", "eventSource"]
NAMES = st.sampled_from([*WORDS, "eventName", "eventID", "dynamodb"])
TOKENS = st.sampled_from(["a", "B", "premium", "aws:dynamodb", "INSERT", "MODIFY", "REMOVE"])


def asked(document: object, most_bytes: int = 10_000) -> QueueRequest | None:
    text = document if isinstance(document, str) else json.dumps(document)
    return read(QueueMessage("m-1", text, "r"), lambda: MAPPINGS, most_bytes)


@given(st.dictionaries(NAMES, TOKENS | VALUES) | VALUES)
def test_any_document_is_understood_or_refused_with_a_reason(document: object) -> None:
    try:
        found = asked(document if not isinstance(document, str) else json.dumps(document))
    except LetterNotUnderstood as error:
        assert str(error)  # noqa: PT017  either outcome will do
    else:
        assert found is None or isinstance(found.command, EvaluationCommand | IncidentCommand | NotificationCommand)


@given(st.text())
def test_any_text_is_understood_or_refused_with_a_reason(text: str) -> None:
    with pytest.raises(LetterNotUnderstood):
        asked(text if not text.startswith("{") else f"x{text}")


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ({"incident": {"a": 1, "b": 2}}, {"incident": {"b": 2, "a": 1}}, True),
        ({"id": "x", "incident": {"a": 1}}, {"id": "y", "incident": {"a": 1}}, True),
        ({"incident": {"a": 1}}, {"incident": {"a": 2}}, False),
        ({"incident": {"a": 1}}, {"notification": {"a": 1}}, False),
        ({"ruleset": "p", "evaluation": {"a": 1}}, {"ruleset": "q", "evaluation": {"a": 1}}, False),
    ],
)
def test_a_fingerprint_tells_other_content_and_not_another_spelling(
    first: Mapping[str, object], second: Mapping[str, object], same: bool
) -> None:
    one, other = asked(first), asked(second)
    assert one is not None
    assert other is not None
    assert (one.fingerprint == other.fingerprint) is same


def test_a_letter_that_came_to_an_earlier_version_is_known_again() -> None:
    request = asked({"notification": {"a": 1}})
    assert request is not None
    assert request.fingerprint == sha256(b'{"body":{"a":1},"kind":"Notification"}').hexdigest()


def test_the_docs_name_each_outcome_that_letters_are_counted_by() -> None:
    page = (Path(__file__).parents[2] / "docs" / "intake.md").read_text("utf-8")
    assert all(f"`{outcome.label}`" in page for outcome in get_args(consumer.Outcome))


@pytest.mark.parametrize("own", ["", "two words", "x" * 129, 7, None, "é"])
def test_an_event_whose_id_cannot_be_searched_for_goes_by_that_of_the_queue(own: object) -> None:
    found = asked({"source": "a", "detail-type": "B", "detail": {}, "id": own})
    assert found is not None
    assert found.id is None


def test_a_letter_may_be_as_long_as_a_body_and_no_longer() -> None:
    text = json.dumps({"notification": {"text": "é"}}, ensure_ascii=False)
    assert asked(text, len(text.encode())) is not None
    with pytest.raises(LetterNotUnderstood, match="TOCSIN_BODY_LIMIT"):
        asked(text, len(text.encode()) - 1)


def test_the_envelope_of_a_topic_is_told_by_what_sends_the_message_without_it() -> None:
    enveloped = {"Type": "Notification", "MessageId": "m", "TopicArn": "arn:aws:sns:eu-west-1:1:t", "Message": "{}"}
    with pytest.raises(LetterNotUnderstood, match="RawMessageDelivery"):
        asked(enveloped)
