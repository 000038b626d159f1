"""What was "sent" here: decoded, newest first, found by person and channel, heard, and forgotten."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from service.channels import Accepted, Email, Reason, Reference, Refused, Sms, VoiceCall
from service.channels.contact_keys import ContactKeys
from service.channels.outbox import AUDIO_CHUNK, KEPT, Outbox, OutboxEmail, OutboxSms, OutboxVoice
from service.channels.phones import Phone
from service.channels.voice import Audio, NoVoice, SpeechFailed
from service.core.clock import HandClock
from service.core.enums import Channel
from service.core.language_tags import Tag, parse_tag
from service.storage.sqlite import SqliteStore

NOON = datetime(2026, 5, 10, 12, tzinfo=UTC)
ANN = Phone("+447700900123", "GB", reserved=True)
BEN = Phone("+447700900456", "GB", reserved=True)
DE, FR = parse_tag("de"), parse_tag("fr-FR")


class Recording:
    """Speech that is as long as it is told to be; it knows French alone, and counts what it is asked."""

    def __init__(self, mp3: bytes) -> None:
        self.mp3, self.asked = mp3, 0

    def speaks(self, locale: Tag, /) -> bool:
        return locale.language == "fr"

    def speak(self, text: str, voice: Tag, /) -> Audio:
        self.asked += 1
        if voice.language != "fr":
            raise NoVoice(f"no voice here speaks {voice}")
        if not text:
            raise SpeechFailed("there is nothing to say")
        return Audio(self.mp3, 1.5)


@pytest.fixture
def outbox(store: SqliteStore, clock: HandClock) -> Outbox:
    return Outbox(store, clock, ContactKeys(b"secret"))


def sms(to: Phone, text: str) -> Sms:
    return Sms(to, text, DE, Reference("n1-000001", 1))


def texts(outbox: Outbox, to: str | None = None, channel: Channel | None = None) -> list[str]:
    return [sent.entry.text for sent in outbox.entries(to=to, channel=channel).items]


def test_messages_are_listed_newest_first_by_person_and_channel(outbox: Outbox, clock: HandClock) -> None:
    channel = OutboxSms(outbox)
    for to, text in ((ANN, "one"), (BEN, "two"), (ANN, "three")):
        assert isinstance(channel.send(sms(to, text)), Accepted)
        clock.advance(timedelta(milliseconds=1))
    letter = Email("ann@example.com", "Neu", "<p>vier</p>", "four", DE, Reference("n1-000002", 1))
    assert isinstance(OutboxEmail(outbox).send(letter), Accepted)
    assert texts(outbox) == ["four", "three", "two", "one"]
    assert texts(outbox, ANN.e164) == ["three", "one"]
    assert texts(outbox, "Ann@Example.com") == ["four"]
    assert texts(outbox, channel=Channel.SMS) == ["three", "two", "one"]
    assert texts(outbox, ANN.e164, Channel.EMAIL) == []


def test_an_email_is_kept_as_its_reader_has_it(outbox: Outbox) -> None:
    letter = Email("ann@example.com", "Neu", "<p>vier</p>", "four", DE, Reference("n1-000002", 3))
    accepted = OutboxEmail(outbox).send(letter)
    assert isinstance(accepted, Accepted)
    sent = outbox.entry(accepted.provider_id)
    assert sent is not None
    entry = sent.entry
    assert (entry.subject, entry.html, entry.text, entry.language) == ("Neu", "<p>vier</p>", "four", "de")
    assert (entry.at, entry.delivery_id, entry.attempt) == (NOON, "n1-000002", 3)


@pytest.mark.parametrize("size", [1, AUDIO_CHUNK, AUDIO_CHUNK + 1, 5 * AUDIO_CHUNK])
def test_a_call_can_be_heard_however_long_it_is(size: int, outbox: Outbox) -> None:
    speech = bytes(number % 251 for number in range(size))
    accepted = OutboxVoice(outbox, Recording(speech)).send(VoiceCall(ANN, "Bonjour", FR, Reference("n1-000003", 1)))
    assert isinstance(accepted, Accepted)
    assert outbox.mp3(accepted.provider_id) == speech


def test_one_text_for_many_people_is_spoken_once(outbox: Outbox) -> None:
    speech = Recording(b"mp3")
    channel = OutboxVoice(outbox, speech)
    for to in (ANN, BEN, ANN):
        channel.send(VoiceCall(to, "Bonjour", FR, Reference("n1-000003", 1)))
    assert speech.asked == 1


def test_a_language_without_a_voice_is_refused_for_good_and_a_failure_is_not(outbox: Outbox) -> None:
    channel = OutboxVoice(outbox, Recording(b"mp3"))
    german = channel.send(VoiceCall(ANN, "Guten Tag", DE, Reference("n1-000003", 1)))
    silent = channel.send(VoiceCall(ANN, "", FR, Reference("n1-000003", 1)))
    assert isinstance(german, Refused)
    assert (german.reason, german.permanent) == (Reason.CONTENT, True)
    assert isinstance(silent, Refused)
    assert not silent.permanent
    assert texts(outbox) == []


def test_only_a_voice_message_can_be_heard(outbox: Outbox) -> None:
    accepted = OutboxSms(outbox).send(sms(ANN, "one"))
    assert isinstance(accepted, Accepted)
    assert outbox.mp3(accepted.provider_id) is None
    assert outbox.mp3("nothing") is None


def test_a_person_can_be_forgotten_and_others_are_not(outbox: Outbox) -> None:
    OutboxSms(outbox).send(sms(ANN, "one"))
    OutboxSms(outbox).send(sms(BEN, "two"))
    call = OutboxVoice(outbox, Recording(b"mp3")).send(VoiceCall(ANN, "Bonjour", FR, Reference("n1-000003", 1)))
    assert isinstance(call, Accepted)
    assert outbox.erase(ANN.e164) == 2
    assert texts(outbox) == ["two"]
    assert outbox.mp3(call.provider_id) is None


def test_messages_are_forgotten_after_a_month(outbox: Outbox, clock: HandClock) -> None:
    OutboxSms(outbox).send(sms(ANN, "one"))
    clock.advance(KEPT)
    assert texts(outbox) == []
