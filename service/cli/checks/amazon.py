"""What can be looked at in the AWS account: who we are, the time, tables, queues, identities. Nothing is changed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import partial

from botocore.exceptions import BotoCoreError, ClientError

from service.aws import Clients, inbox, intake_table
from service.channels.aws import send_rate
from service.cli.checks import CheckFinding, CheckLevel, broken, doubtful, fine
from service.config import Settings
from service.core import Channel, Clock, Lane, TocsinError, aws_errors
from service.messages import Sender
from service.storage import dynamodb, sqs
from service.wiring import intake_table_name, queue_names, table_names

LATE = timedelta(seconds=5)
"""How far this clock may be off before timers and leases of several hosts begin to disagree."""

REFUSED_BEYOND = timedelta(minutes=5)
"""From here on AWS refuses signatures
(https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html)."""


def look(settings: Settings, clock: Clock) -> Iterator[CheckFinding]:
    """Everything that the account can tell."""
    clients = Clients()
    who = list(_caller(clients, clock))
    yield from who
    if any(finding.level is CheckLevel.FAIL for finding in who):
        return  # every other answer would be the same
    yield from _tables(settings)
    yield from _queues(settings)
    yield from _intake(settings)
    leaves = set(Channel) - settings.outbox_channels
    if Channel.EMAIL in leaves and settings.smtp_url is None:
        yield from _mail(settings, clients)
    if leaves & {Channel.SMS, Channel.VOICE}:
        yield from _phones(settings, clients)


def _caller(clients: Clients, clock: Clock) -> Iterator[CheckFinding]:
    """Who we are; and the time of AWS, which even a refusal tells."""
    try:
        answer: Mapping[str, object] = clients.get("sts").get_caller_identity()
        yield fine("credentials", f"those of {answer.get('Arn')}")
    except ClientError as error:
        answer = error.response
        yield _refused("credentials", error, "Renew the credentials, or give the task a role.")
    except BotoCoreError as error:
        yield broken("credentials", str(error), "Set AWS_REGION and credentials, or give the task a role.")
        return
    if (date := _date(answer)) is not None:
        yield _skew(clock.now() - date)


def _date(answer: Mapping[str, object]) -> datetime | None:
    match answer:
        case {"ResponseMetadata": {"HTTPHeaders": {"date": str(text)}}}:
            return parsedate_to_datetime(text)
    return None


def _skew(off: timedelta) -> CheckFinding:
    seconds = f"{off.total_seconds():+.0f} s from AWS's"
    do = "Let NTP set this host's clock (chrony or systemd-timesyncd)."
    if abs(off) >= REFUSED_BEYOND:
        return broken("clock", seconds, do)
    return doubtful("clock", seconds, do) if abs(off) >= LATE else fine("clock", seconds)


def _tables(settings: Settings) -> Iterator[CheckFinding]:
    names = table_names(settings)
    for name in (names.items, names.audit):
        yield _asked(f"table {name}", partial(_table, name), "Run `tocsin aws init`.")


def _table(name: str) -> CheckFinding:
    status = dynamodb.connect().describe_table(TableName=name)["Table"]["TableStatus"]
    if status in {"ACTIVE", "UPDATING"}:
        return fine(f"table {name}", status.lower())
    return broken(f"table {name}", status.lower(), "Wait a minute, then look again.")


def _queues(settings: Settings) -> Iterator[CheckFinding]:
    names = queue_names(settings)
    for lane in Lane:
        queue = Queue(names.of(lane), names.dead(lane), "they name no item")
        yield _asked(f"queue {queue.name}", partial(_queue, queue), "Run `tocsin aws init`.")


def _intake(settings: Settings) -> Iterator[CheckFinding]:
    """The queue that other systems write to, and the table whose new items come to it."""
    if settings.intake_queue is None:
        return
    where = "each has its reason as an attribute"
    queue = Queue(settings.intake_queue, inbox.dead_letters_of(settings.intake_queue), where)
    yield _asked(f"queue {queue.name}", partial(_queue, queue), "Run `tocsin aws init`.")
    table = intake_table_name(settings)
    yield _asked(f"table {table}", partial(_intake_table, table), "Run `tocsin aws init`.")


def _intake_table(name: str) -> CheckFinding:
    table = _table(name)
    if table.do is None and not intake_table.has_stream(dynamodb.connect(), name):
        return broken(f"table {name}", "it has no stream of new items", "Switch it on: NEW_IMAGE, for the pipe.")
    return table


@dataclass(frozen=True, slots=True)
class Queue:
    """A queue, the one for its dead letters, and what is to be known of those."""

    name: str
    dead: str
    letters_say: str


def _queue(queue: Queue) -> CheckFinding:
    client = sqs.connect()
    subject = f"queue {queue.name}"
    url = client.get_queue_url(QueueName=queue.name)["QueueUrl"]
    attributes = client.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    if "RedrivePolicy" not in attributes:
        return broken(subject, "no dead-letter queue is attached", "Run `tocsin aws init`.")
    dead_url = client.get_queue_url(QueueName=queue.dead)["QueueUrl"]
    dead = client.get_queue_attributes(QueueUrl=dead_url, AttributeNames=["ApproximateNumberOfMessages"])
    if (letters := dead["Attributes"]["ApproximateNumberOfMessages"]) != "0":
        return doubtful(subject, f"{letters} dead letters", f"Read them in {queue.dead}: {queue.letters_say}.")
    return fine(subject, f"{attributes.get('ApproximateNumberOfMessages', '0')} waiting, no dead letters")


def _mail(settings: Settings, clients: Clients) -> Iterator[CheckFinding]:
    yield _asked("mail", lambda: _account(clients), "Allow ses:GetAccount to look further.")
    rate = settings.email_rate
    yield _asked("rate of mail", lambda: _mail_rate(rate, clients), "Allow ses:GetAccount, or set TOCSIN_EMAIL_RATE.")
    yield _asked("sender of mail", lambda: _mail_identity(settings, clients), "Verify the domain or address in SES.")


def _account(clients: Clients) -> CheckFinding:
    account = clients.get("sesv2").get_account()
    if not account.get("SendingEnabled", True):
        return broken("mail", "SES has paused this account", "Read why in the SES console.")
    if not account.get("ProductionAccessEnabled", False):
        return doubtful("mail", "SES is in its sandbox: only verified addresses get mail", "Request production access.")
    return fine("mail", f"{account.get('SendQuota', {}).get('Max24HourSend', 0):.0f} a day")


def _mail_rate(wanted: float | None, clients: Clients) -> CheckFinding:
    """Whether mails leave as fast as SES takes them, and no faster."""
    granted = send_rate(clients.get("sesv2"))
    if granted is None and wanted is None:
        words = "the account does not say how many mails a second it takes, nor does TOCSIN_EMAIL_RATE"
        return doubtful("rate of mail", words, "Set TOCSIN_EMAIL_RATE: until then only throttles tell.")
    if granted is not None and wanted is not None and wanted > granted:
        words = f"TOCSIN_EMAIL_RATE is {wanted:g}, the account takes {granted:g} a second"
        return doubtful("rate of mail", words, "Request a higher sending rate from AWS, or lower the setting.")
    known = [rate for rate in (wanted, granted) if rate is not None]
    return fine("rate of mail", f"{min(known):g} a second")


def _mail_identity(settings: Settings, clients: Clients) -> CheckFinding:
    domain = settings.mail_from.domain
    identity = clients.get("sesv2").get_email_identity(EmailIdentity=domain)
    if not identity.get("VerifiedForSendingStatus"):
        return broken("sender of mail", f"{domain} is not verified", "Set the DNS records that the SES console shows.")
    return fine("sender of mail", f"{domain} is verified")


def _phones(settings: Settings, clients: Clients) -> Iterator[CheckFinding]:
    senders = [sender for each in settings.senders.by_country.values() for sender in each]
    if settings.phone_identity is None and not senders:
        do = "Set TOCSIN_PHONE_IDENTITY or TOCSIN_SENDERS: calls need one, and pages one that receives."
        yield doubtful("phone identities", "none is set: AWS chooses", do)
        return
    yield _asked("phone identities", lambda: _numbers(senders, clients), "Allow sms-voice:DescribePhoneNumbers.")


def _numbers(senders: list[Sender], clients: Clients) -> CheckFinding:
    pages = clients.get("pinpoint-sms-voice-v2").get_paginator("describe_phone_numbers").paginate()
    ours = {number["PhoneNumber"]: number["TwoWayEnabled"] for page in pages for number in page["PhoneNumbers"]}
    numbers = [sender for sender in senders if sender.origin.startswith("+") and sender.role is None]
    if strange := [sender.origin for sender in numbers if sender.origin not in ours]:
        return broken("phone identities", f"{strange[0]} is not this account's", "Correct TOCSIN_SENDERS.")
    if deaf := [sender.origin for sender in numbers if sender.two_way and not ours[sender.origin]]:
        return broken(
            "phone identities", f"{deaf[0]} does not receive", "Switch two-way SMS on, or say two_way: false."
        )
    return fine("phone identities", f"{len(ours)} numbers, {sum(ours.values())} of them two-way")


def _asked(subject: str, look: Callable[[], CheckFinding], do: str) -> CheckFinding:
    try:
        return look()
    except ClientError as error:
        return _refused(subject, error, do)
    except (BotoCoreError, TocsinError) as error:
        return broken(subject, str(error), do)


def _refused(subject: str, error: ClientError, do: str) -> CheckFinding:
    name = aws_errors.aws_error_code(error)
    if name in {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"}:
        return doubtful(subject, f"may not be looked at ({name})", f"Allow it in the role's policy. {do}")
    return broken(subject, f"AWS answered {name}", do)
