"""What one recipient is sent, if anything: the channel, the address, the filled text. No network, no store."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from zoneinfo import ZoneInfo

from service.channels import CHANNELS, Attachment, Circumstances, Message, Reference, voice_of
from service.core import Channel, Lane, Record, Tag, TocsinError
from service.messages import UNSUBSCRIBE, AttachmentGone, FilledText, NotFilled, QuietHours, Rendition, TooLong
from service.notify.model import DeliveryStatus
from service.recipients import Recipient


class Send(Record, frozen=True):
    """Hand this over now."""

    message: Message


@dataclass(frozen=True, slots=True)
class Drop:
    """Nothing will be sent; `status` and `detail` say why."""

    status: DeliveryStatus
    detail: str


@dataclass(frozen=True, slots=True)
class Hold:
    """Nothing may be sent before `until`; `paced` when that is the person's own place, which is then taken.

    `idle` when it has to do with no copy in particular: its provider is left alone.
    """

    until: datetime
    paced: bool = False
    idle: bool = False


Plan = Send | Drop | Hold


@dataclass(frozen=True, slots=True)
class MailEnclosure:
    """What is the same for every email of a notification: where answers go, and the files, read when one needs them."""

    reply_to: str | None = None
    attachments: Callable[[], tuple[Attachment, ...]] = tuple


NOTHING_LEFT = Drop(DeliveryStatus.FAILED, "nothing is left to say: the text is blank once its variables are filled in")


@dataclass(frozen=True, slots=True)
class DeliveryPolicy:
    """What holds for every copy: when people sleep, where they unsubscribe, what an SMS may contain, what voices speak.

    `sms_plain`: whether what costs and says nothing is replaced in an SMS. `speaks`: whether a voice reads out a text
    in a locale.
    """

    quiet: QuietHours | None
    unsubscribe_url: Callable[[Recipient], str | None]
    sms_plain: bool = True
    speaks: Callable[[Tag], bool] = lambda _: True

    def instead_of_a_call(self, recipient: Recipient, rendition: Rendition | None) -> Channel | None:
        """The channel that reaches whoever wants calls in a language that no voice speaks; None where a call does."""
        if recipient.preference is not Channel.VOICE or rendition is None:
            return None
        if self.speaks(voice_of(recipient.voice_locale, rendition.language)):
            return None
        return Channel.SMS if recipient.phone else Channel.EMAIL if recipient.email else None


def plan(
    recipient: Recipient,
    rendition: Rendition | None,
    variables: Mapping[str, object],
    lane: Lane,
    reference: Reference,
    policy: DeliveryPolicy,
    now: datetime,
    enclosed: MailEnclosure = MailEnclosure(),
) -> Plan:
    """What becomes of one recipient's copy now. A rendition that is None still lacks a translation.

    `variables` are those of `values_for`.
    """
    if rendition is None:
        return Drop(DeliveryStatus.NEEDS_TRANSLATION, "is sent when the missing translation is supplied")
    if lane is not Lane.INCIDENT and policy.quiet and (until := policy.quiet.ends(now, recipient.timezone)):
        return Hold(until)
    try:
        return _filled(recipient, rendition, variables, lane, reference, policy, enclosed)
    except (NotFilled, TooLong, AttachmentGone) as error:
        return Drop(DeliveryStatus.FAILED, _without_content(error))


def _filled(
    recipient: Recipient,
    rendition: Rendition,
    variables: Mapping[str, object],
    lane: Lane,
    reference: Reference,
    policy: DeliveryPolicy,
    enclosed: MailEnclosure,
) -> Plan:
    kind, bulk = CHANNELS[recipient.preference], lane is Lane.BULK

    def leaving() -> str | None:
        return policy.unsubscribe_url(recipient) if bulk else None

    how = Circumstances(
        reference,
        promotional=bulk,
        unsubscribe_url=leaving,
        reply_to=enclosed.reply_to,
        attachments=enclosed.attachments,
    )
    if bulk and UNSUBSCRIBE in rendition.names and (url := leaving()) is not None:
        variables = {**variables, UNSUBSCRIBE: url}
    words = FilledText(rendition, variables, _zone(recipient), sms_plain=policy.sms_plain)
    message = kind.compose(words, recipient, how)
    if message is None:
        return Drop(DeliveryStatus.FAILED, f"the profile has no address for {recipient.preference.value}")
    return NOTHING_LEFT if kind.is_blank(message) else Send(message)


def _zone(recipient: Recipient) -> tzinfo | None:
    return ZoneInfo(recipient.timezone) if recipient.timezone else None


def values_for(
    recipient: Recipient, everybodys: Mapping[str, object], own: Mapping[str, object]
) -> Mapping[str, object]:
    """What fills one reader's copy: what was given for them alone, then their profile, then what everybody gets."""
    name = recipient.first_name or everybodys.get("first_name", "")
    return {**everybodys, "first_name": name, "user_id": recipient.user_id, **own}


def _without_content(error: TocsinError) -> str:
    """Names and lengths: these errors never quote what a slot was filled with."""
    return str(error)
