"""One send over AWS: what its success, its errors and its silence mean for the message."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from botocore.exceptions import ClientError

from service.aws import OverLimit
from service.channels.message import Accepted, Outcome, Reason, Refused, Unknown
from service.core import AwsErrorKind, aws_errors
from service.work import asked_wait

Meanings = Callable[[ClientError], Reason | None]
"""Tells the errors that are a service's own; None leaves an error to the rules that hold for all of AWS."""


_REASONS = {
    AwsErrorKind.THROTTLED: Reason.THROTTLED,
    AwsErrorKind.FAILED: Reason.PROVIDER,
    AwsErrorKind.UNREACHED: Reason.PROVIDER,
    AwsErrorKind.IDENTITY: Reason.ACCESS,
    AwsErrorKind.NO_IDENTITY: Reason.ACCESS,
    AwsErrorKind.MISSING: Reason.ACCOUNT,
    AwsErrorKind.REQUEST: Reason.CONTENT,
}
_ADVICE = {
    AwsErrorKind.UNREACHED: "AWS cannot be reached: {}",
    AwsErrorKind.IDENTITY: "{} (see `tocsin doctor`)",
    AwsErrorKind.NO_IDENTITY: "no AWS credentials or region: {} (see `tocsin doctor`)",
}


def handed_over(call: Callable[[], str], meanings: Meanings) -> Outcome:
    """The outcome of `call`, which answers the provider's id of the message ("" if the answer held none)."""
    try:
        provider_id = call()
    except OverLimit as error:
        return Refused(Reason.CONTENT, str(error))
    except aws_errors.AWS_RAISED as error:
        return _failed(error, meanings)
    return Accepted(provider_id) if provider_id else Unknown("the answer held no message id")


def _failed(error: Exception, meanings: Meanings) -> Outcome:
    name, kind = aws_errors.short(error), aws_errors.aws_error_kind(error)
    wait = asked_wait(aws_errors.headers(error)) if isinstance(error, ClientError) else timedelta(0)
    if isinstance(error, ClientError) and (meant := meanings(error)) is not None:
        return Refused(meant, name, wait)
    if kind is AwsErrorKind.IN_DOUBT:
        return Unknown(f"the answer was lost: {name}")
    return Refused(_REASONS[kind], _ADVICE.get(kind, "{}").format(name), wait)
