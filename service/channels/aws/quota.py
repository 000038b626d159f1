"""How many mails a second SES takes from the account, as the account itself says.

https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_GetAccount.html
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from service.aws import Clients
from service.core import aws_errors

if TYPE_CHECKING:
    from mypy_boto3_sesv2 import SESV2Client

logger = logging.getLogger(__name__)

KNOWN_FOR_S = 600.0
"""How long an answer is good: AWS raises a quota by itself, and operators ask for more."""

ASKED_AGAIN_AFTER_S = 60.0


class SendRate:
    """Asks from time to time. One for each process: one thread asks, the others use the last answer."""

    def __init__(self, clients: Clients, elapsed: Callable[[], float] = time.monotonic) -> None:
        self._clients = clients
        self._elapsed = elapsed
        self._lock = threading.Lock()
        self._known: float | None = None
        self._ask_at = float("-inf")

    def per_second(self) -> float | None:
        """Mails a second; None where nobody could be asked, or the account may not be looked at."""
        if self._elapsed() >= self._ask_at and self._lock.acquire(blocking=self._known is None):
            try:
                if self._elapsed() >= self._ask_at:
                    self._ask()
            finally:
                self._lock.release()
        return self._known

    def _ask(self) -> None:
        try:
            self._known = send_rate(self._clients.get("sesv2"))
            self._ask_at = self._elapsed() + KNOWN_FOR_S
        except aws_errors.AWS_RAISED as error:
            self._ask_at = self._elapsed() + ASKED_AGAIN_AFTER_S
            logger.warning(
                "SES does not say how many mails a second it takes (%s): allow ses:GetAccount or set TOCSIN_EMAIL_RATE",
                aws_errors.short(error),
            )


def send_rate(client: SESV2Client) -> float | None:
    """`MaxSendRate` of the account, None where it names none."""
    rate = client.get_account().get("SendQuota", {}).get("MaxSendRate", 0)
    return rate if rate > 0 else None
