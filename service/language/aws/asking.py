"""One question to a language service of AWS, and what its errors mean for who asked."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from service.aws import faults
from service.language import LanguageServiceBusy, LanguageServiceRefused, LanguageServiceUnavailable

T = TypeVar("T")

PASSING = (*faults.NEVER_ARRIVED, *faults.PERHAPS_ARRIVED)


def asked(service: str, call: Callable[[], T]) -> T:
    """The answer; `LanguageServiceUnavailable` where trying later may help, else `LanguageServiceRefused`."""
    try:
        return call()
    except ClientError as error:
        raise _meaning(service, error) from error
    except PASSING as error:
        raise LanguageServiceUnavailable(f"{service} does not answer: {type(error).__name__}") from error
    except (KeyError, TypeError, ValueError, ArithmeticError) as error:
        raise LanguageServiceUnavailable(f"{service} answered something else than its model says") from error
    except BotoCoreError as error:
        raise LanguageServiceRefused(f"{service} cannot be asked: {error} (see `tocsin doctor`)") from error


def _meaning(service: str, error: ClientError) -> LanguageServiceUnavailable | LanguageServiceRefused:
    name = faults.code(error)
    wait = faults.retry_after(error).total_seconds() or None
    if name in faults.THROTTLES:
        return LanguageServiceBusy(f"{service} asks to be called later ({name})", wait)
    if faults.is_of_the_service(error):
        return LanguageServiceUnavailable(f"{service} has a fault of its own ({name})", wait)
    return LanguageServiceRefused(f"{service} refuses the call ({name}): see `tocsin doctor`")
