"""One question to a language service of AWS, and what its errors mean for who asked."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from botocore.exceptions import ClientError

from service.core import AwsErrorKind, aws_errors
from service.language.patience import patiently
from service.language.protocols import LanguageServiceBusy, LanguageServiceRefused, LanguageServiceUnavailable
from service.work import asked_wait

T = TypeVar("T")

FOR_AN_OPERATOR = frozenset({AwsErrorKind.IDENTITY, AwsErrorKind.MISSING, AwsErrorKind.REQUEST})
"""What no later attempt changes by itself."""


def asked(service: str, call: Callable[[], T]) -> T:
    """The answer of up to four tries; `LanguageServiceUnavailable` where trying later may help, else
    `LanguageServiceRefused`."""
    return patiently(lambda: _asked(service, call))


def _asked(service: str, call: Callable[[], T]) -> T:
    try:
        return call()
    except aws_errors.AWS_RAISED as error:
        raise _meaning(service, error) from error
    except (KeyError, TypeError, ValueError, ArithmeticError) as error:
        raise LanguageServiceUnavailable(f"{service} answered something else than its model says") from error


def _meaning(service: str, error: Exception) -> LanguageServiceUnavailable | LanguageServiceRefused:
    name, kind = aws_errors.short(error), aws_errors.aws_error_kind(error)
    wait = asked_wait(aws_errors.headers(error)).total_seconds() if isinstance(error, ClientError) else 0.0
    if kind in FOR_AN_OPERATOR:
        return LanguageServiceRefused(f"{service} refuses the call ({name}): see `tocsin doctor`")
    if kind is AwsErrorKind.THROTTLED:
        return LanguageServiceBusy(f"{service} asks to be called later ({name})", wait or None)
    return LanguageServiceUnavailable(f"{service} does not answer as it should ({name})", wait or None)
