"""Email by SES v2.

https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html
https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendBulkEmail.html
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from itertools import groupby
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from service.aws import Clients, check_limits
from service.channels.aws.sending import handed_over
from service.channels.email import unsubscribe_headers
from service.channels.message import Accepted, Attachment, Email, Outcome, Reason, Reference, Refused, Unknown
from service.core import AwsErrorKind, aws_error_code, aws_error_kind, exact_json

if TYPE_CHECKING:
    from mypy_boto3_sesv2.type_defs import (
        AttachmentTypeDef,
        BulkEmailEntryResultTypeDef,
        EmailTemplateContentTypeDef,
        MessageHeaderTypeDef,
        MessageTagTypeDef,
        SendBulkEmailRequestTypeDef,
        SendEmailRequestTypeDef,
    )

BULK = 50
"""Destinations of one SendBulkEmail."""

MEANINGS = {
    "AccountSuspendedException": Reason.LIMIT,
    "LimitExceededException": Reason.LIMIT,
    "MailFromDomainNotVerifiedException": Reason.ACCOUNT,
    "MessageRejected": Reason.CONTENT,
    "NotFoundException": Reason.ACCOUNT,
    "SendingPausedException": Reason.LIMIT,
}

BULK_MEANINGS = {
    "MESSAGE_REJECTED": Reason.CONTENT,
    "INVALID_PARAMETER": Reason.CONTENT,
    "ACCOUNT_THROTTLED": Reason.THROTTLED,
    "ACCOUNT_DAILY_QUOTA_EXCEEDED": Reason.LIMIT,
    "ACCOUNT_SENDING_PAUSED": Reason.LIMIT,
    "ACCOUNT_SUSPENDED": Reason.LIMIT,
    "CONFIGURATION_SET_SENDING_PAUSED": Reason.LIMIT,
    "TRANSIENT_FAILURE": Reason.PROVIDER,
    "FAILED": Reason.PROVIDER,
}
"""Statuses of one entry; any other is one of our settings, such as a domain that is not verified."""


@dataclass(frozen=True, slots=True)
class MailIdentity:
    """From whom mail goes out; `role` is that of another account."""

    sender: str
    configuration_set: str | None = None
    role: str | None = None


class SesEmail:
    """Sends email, one by one or, where the content is the same, 50 at a time."""

    def __init__(self, clients: Clients, identity: MailIdentity) -> None:
        self._client = clients.get("sesv2", identity.role)
        self._identity = identity

    def send(self, email: Email, /) -> Outcome:
        """Hand one email to SES; the delivery id and attempt ride in two tags and come back on its events."""
        request: SendEmailRequestTypeDef = {
            "FromEmailAddress": self._identity.sender,
            "Destination": {"ToAddresses": [email.to]},
            "Content": {
                "Simple": {
                    "Subject": {"Data": email.subject, "Charset": "UTF-8"},
                    "Body": {
                        "Text": {"Data": email.text, "Charset": "UTF-8"},
                        "Html": {"Data": email.html, "Charset": "UTF-8"},
                    },
                    "Headers": _headers(email),
                }
            },
            "EmailTags": tags(email.reference),
        }
        if email.attachments:
            request["Content"]["Simple"]["Attachments"] = [_attached(file) for file in email.attachments]
        if email.reply_to is not None:
            request["ReplyToAddresses"] = [email.reply_to]
        if self._identity.configuration_set:
            request["ConfigurationSetName"] = self._identity.configuration_set

        def checked() -> str:
            check_limits(self._client, "SendEmail", request)
            return self._client.send_email(**request).get("MessageId", "")

        return handed_over(checked, _meaning)

    def alike(self, one: Email, other: Email, /) -> bool:
        """Whether one call may carry both."""
        return _content(one) == _content(other) and not _goes_alone(one)

    def send_many(self, emails: Sequence[Email], /) -> Sequence[Outcome]:
        """The outcome of each email, in order; neighbours of one content go out in one call."""
        outcomes: list[Outcome] = []
        for _, group in groupby(emails, key=_content):
            members = list(group)
            templated = any(map(_goes_alone, members))
            for first in range(0, len(members), BULK):
                outcomes += self._send_alike(members[first : first + BULK], templated=templated)
        return outcomes

    def _send_alike(self, emails: Sequence[Email], templated: bool) -> Sequence[Outcome]:
        if len(emails) == 1 or templated:
            return [self.send(email) for email in emails]
        results: list[BulkEmailEntryResultTypeDef] = []
        request = self._bulk_request(emails)

        def checked() -> str:
            check_limits(self._client, "SendBulkEmail", request)
            results.extend(self._client.send_bulk_email(**request)["BulkEmailEntryResults"])
            return "bulk"

        outcome = handed_over(checked, _meaning)
        if isinstance(outcome, Accepted) and len(results) != len(emails):
            outcome = Unknown("the answer did not name every recipient")
        return [_entry(result) for result in results] if isinstance(outcome, Accepted) else [outcome] * len(emails)

    def _bulk_request(self, emails: Sequence[Email]) -> SendBulkEmailRequestTypeDef:
        alike = emails[0]
        subject, text, html, _ = _content(alike)
        content: EmailTemplateContentTypeDef = {"Subject": subject, "Text": text, "Html": html}
        request: SendBulkEmailRequestTypeDef = {
            "FromEmailAddress": self._identity.sender,
            "DefaultContent": {"Template": {"TemplateContent": content, "TemplateData": "{}"}},
            "BulkEmailEntries": [
                {
                    "Destination": {"ToAddresses": [email.to]},
                    "ReplacementTags": tags(email.reference),
                    "ReplacementHeaders": _headers(email),
                    "ReplacementEmailContent": {"ReplacementTemplate": {"ReplacementTemplateData": _own_link(email)}},
                }
                for email in emails
            ],
        }
        if alike.reply_to is not None:
            request["ReplyToAddresses"] = [alike.reply_to]
        if self._identity.configuration_set:
            request["ConfigurationSetName"] = self._identity.configuration_set
        return request


def tags(reference: Reference) -> list[MessageTagTypeDef]:
    """Names and values of tags may hold letters, digits, `-` and `_` alone: so do our ids."""
    return [
        {"Name": "delivery", "Value": reference.delivery_id},
        {"Name": "attempt", "Value": str(reference.attempt)},
    ]


def _headers(email: Email) -> list[MessageHeaderTypeDef]:
    headers: list[MessageHeaderTypeDef] = [{"Name": "Content-Language", "Value": str(email.language)}]
    headers += [{"Name": name, "Value": value} for name, value in unsubscribe_headers(email).items()]
    return headers


_OWN_LINK = "own_link"


def _content(email: Email) -> tuple[str, str, str, str]:
    """What emails have in common that one call may carry: each reader's link to leave is a placeholder of SES's."""
    text, html = email.text, email.html
    if url := email.unsubscribe_url:
        slot = f"{{{{{_OWN_LINK}}}}}"
        text, html = text.replace(url, slot), html.replace(escape(url), slot)
    return email.subject, text, html, email.reply_to or ""


def _own_link(email: Email) -> str:
    return exact_json.dumps({_OWN_LINK: email.unsubscribe_url or ""})


def _attached(file: Attachment) -> AttachmentTypeDef:
    return {
        "RawContent": file.content,
        "FileName": file.name,
        "ContentType": file.media_type,
        "ContentDisposition": "ATTACHMENT",
        "ContentTransferEncoding": "BASE64",
    }


def _goes_alone(email: Email) -> bool:
    return bool(email.attachments) or _is_template(email)


def _is_template(email: Email) -> bool:
    """SES would read `{{ … }}` of a person's text as a placeholder of its own template language."""
    return any("{{" in part for part in (email.subject, email.text, email.html))


def _entry(result: BulkEmailEntryResultTypeDef) -> Outcome:
    status = result.get("Status", "")
    if status == "SUCCESS":
        provider_id = result.get("MessageId", "")
        return Accepted(provider_id) if provider_id else Unknown("the answer held no message id")
    return Refused(BULK_MEANINGS.get(status, Reason.ACCOUNT), status)


def _meaning(error: ClientError) -> Reason | None:
    """SES says by one code that a second and that a day is full, and tells them apart in words alone.

    https://docs.aws.amazon.com/ses/latest/dg/manage-sending-quotas-errors.html
    """
    message = str(error.response.get("Error", {}).get("Message", ""))
    if aws_error_kind(error) is AwsErrorKind.THROTTLED and "daily" in message.lower():
        return Reason.LIMIT
    return MEANINGS.get(aws_error_code(error))
