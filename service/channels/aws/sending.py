"""One send over AWS: what its success, its errors and its silence mean for the message."""

from __future__ import annotations

from collections.abc import Callable

from botocore.exceptions import BotoCoreError, ClientError

from service.aws import faults
from service.aws.limits import OverLimit
from service.channels import Accepted, Outcome, Reason, Refused, Unknown

Meanings = Callable[[ClientError], Reason | None]
"""Tells the errors that are a service's own; None leaves an error to the rules that hold for all of AWS."""


def handed_over(call: Callable[[], str], meanings: Meanings) -> Outcome:
    """The outcome of `call`, which answers the provider's id of the message ("" if the answer held none)."""
    try:
        provider_id = call()
    except ClientError as error:
        return refused(error, meanings(error))
    except OverLimit as error:
        return Refused(Reason.CONTENT, str(error))
    except faults.NEVER_ARRIVED as error:
        return Refused(Reason.PROVIDER, f"AWS cannot be reached: {type(error).__name__}")
    except faults.PERHAPS_ARRIVED as error:
        return Unknown(f"the answer was lost: {type(error).__name__}")
    except faults.NO_CREDENTIALS as error:
        return Refused(Reason.ACCOUNT, f"no AWS credentials or region: {type(error).__name__} (see `tocsin doctor`)")
    except BotoCoreError as error:
        return Refused(Reason.CONTENT, f"the request cannot be made: {type(error).__name__}")
    return Accepted(provider_id) if provider_id else Unknown("the answer held no message id")


def refused(error: ClientError, meant: Reason | None) -> Refused:
    """Why AWS did not take a message."""
    name = faults.code(error)
    if meant is not None:
        return Refused(meant, name, faults.retry_after(error))
    if name in faults.THROTTLES:
        return Refused(Reason.THROTTLED, name, faults.retry_after(error))
    if name in faults.CREDENTIALS:
        return Refused(Reason.ACCOUNT, f"{name} (see `tocsin doctor`)")
    if faults.is_of_the_service(error):
        return Refused(Reason.PROVIDER, name or "an internal error of AWS", faults.retry_after(error))
    return Refused(Reason.CONTENT, name)
