"""Opens the store that the settings name. It is a module apart from `app`, so that simple commands start quickly."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from service.config import Backend, SettingFault, Settings, SettingsError, folders
from service.core import Clock, Lane, SystemClock, TocsinError
from service.storage import Store

if TYPE_CHECKING:
    from service.storage.dynamodb import TableNames
    from service.storage.sqs import QueueNames

SYSTEM_CLOCK = SystemClock()


def open_store(settings: Settings, clock: Clock = SYSTEM_CLOCK, bell: Callable[[Lane], None] | None = None) -> Store:
    """The store of the chosen backend; it opens nothing before its first use, so a process may still fork.

    `bell` is for workers, which claim again and again: where work comes in by itself, it is told of the lane.
    """
    match settings.backend:
        case Backend.EMBEDDED:
            from service.storage.sqlite import SqliteStore

            _make_home(settings.home)
            return SqliteStore(settings.database, clock)
        case Backend.AWS:
            from service.storage import dynamodb, sqs

            if settings.secret is None:  # then it is a file there
                _make_home(settings.home)

            tables, queues = table_names(settings), queue_names(settings)
            most = settings.most_threads
            return sqs.QueuedStore(
                partial(dynamodb.connect, most),
                sqs.connect,
                tables,
                queues,
                clock,
                connect_for_many=partial(dynamodb.connect_for_many, most),
                connect_to_send=partial(sqs.connect_to_send, most),
                bell=bell,
            )


def _make_home(home: Path) -> None:
    try:
        folders.make_home(home)
    except OSError as error:
        reason = os.strerror(error.errno or 0)
        raise SettingsError(
            [SettingFault("TOCSIN_HOME", f"{home} cannot be made ({reason}): name another folder")]
        ) from error


def enough_of_the_audit(settings: Settings) -> int:
    """How many audit entries a look before publishing reads."""
    from service.rulesets import recent_comparison

    return recent_comparison.ENOUGH if settings.backend is Backend.EMBEDDED else recent_comparison.ENOUGH_ON_AWS


def table_names(settings: Settings) -> TableNames:
    """What this installation's tables are called on AWS."""
    from service.storage.dynamodb import TableNames

    return TableNames().prefixed(settings.aws_prefix)


def queue_names(settings: Settings) -> QueueNames:
    """What this installation's queues are called on AWS."""
    from service.storage.sqs import QueueNames

    return QueueNames(f"{settings.aws_prefix}{QueueNames().prefix}")


def intake_table_name(settings: Settings) -> str:
    """What the table is called whose new items are incidents."""
    from service.aws import intake_table

    return f"{settings.aws_prefix}{intake_table.NAME}"


class CannotPrepare(TocsinError):
    """AWS refuses or does not answer; says which call and why."""


def prepare_aws(settings: Settings) -> None:
    """Create the tables and queues that are missing. It may be repeated; `CannotPrepare` says what is wrong."""
    from botocore.exceptions import BotoCoreError, ClientError

    from service.aws import inbox, intake_table
    from service.storage import dynamodb, sqs

    try:
        dynamodb.create_tables(dynamodb.connect(), table_names(settings))
        sqs.create_queues(sqs.connect(), queue_names(settings))
        if settings.intake_queue is not None:
            inbox.create(sqs.connect(), settings.intake_queue)
            intake_table.create(dynamodb.connect(), intake_table_name(settings))
    except (BotoCoreError, ClientError) as error:
        advice = "Check AWS_REGION, the credentials and what they may do."
        raise CannotPrepare(f"The tables and queues cannot be made: {error}. {advice}") from error
