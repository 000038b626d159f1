"""Where an incident stands: being worked through, taken, resolved, taken by nobody, or called off."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field


@dataclass(frozen=True, slots=True)
class Open:
    """Being worked through. At level 0 nobody is asked: it has not begun, or waits to begin again after `UnsentPages`.

    Attempt 1 is a level's page, 2 its first reminder.
    """

    level: int
    attempt: int
    due_at: datetime
    name: Literal["open"] = "open"


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """Somebody has it. `by` is their name; `contact` their number where they are a contact.

    Under a policy with `renew` they are asked at `due_at` whether they are still on it; `asked` counts how often they
    were since they last said so.
    """

    at: datetime
    by: str
    contact: int | None = None
    due_at: datetime | None = None
    asked: int = 0
    name: Literal["acknowledged"] = "acknowledged"


@dataclass(frozen=True, slots=True)
class Resolved:
    """It is over, as `by` said, who had it or knows. `contact` is as of `Acknowledged`."""

    at: datetime
    by: str
    contact: int | None = None
    name: Literal["resolved"] = "resolved"


class Ending(StrEnum):
    """Why nobody was left to ask."""

    SILENCE = "silence"
    DECLINED = "declined"
    UNREACHABLE = "unreachable"
    NOT_SENT = "not_sent"
    GIVEN_BACK = "given_back"
    PASSED_ON = "passed_on"
    LAPSED = "lapsed"


@dataclass(frozen=True, slots=True)
class Unacknowledged:
    """Everybody was tried and nobody has it; a late YES still acknowledges."""

    at: datetime
    why: Ending
    name: Literal["unacknowledged"] = "unacknowledged"


@dataclass(frozen=True, slots=True)
class Cancelled:
    """Called off, or declined under `on_no: end` (then `declined`)."""

    at: datetime
    by: str
    declined: bool = False
    contact: int | None = None
    name: Literal["cancelled"] = "cancelled"


State = Annotated[Open | Acknowledged | Resolved | Unacknowledged | Cancelled, Field(discriminator="name")]
