"""A queue of an installation's own, as other systems write to it, and the worker's thread behind it, step by step."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from service.aws import inbox
from service.aws.inbox import SqsInbox
from service.intake.poller import Poller
from tests.contract.conftest import sqs_client
from tests.functional.client import ROOT
from tests.functional.conftest import Api

if TYPE_CHECKING:
    from mypy_boto3_sqs.type_defs import MessageTypeDef

EVENTS = ROOT / "tests" / "events"
NEEDED = ("events.yaml", "escalation/default.yaml", "escalation/approval.yaml")


def intake_rules(folder: Path, *rulesets: str) -> Path:
    """A rules folder with some of the shipped rulesets; publishing all takes a second."""
    rules = folder / "rules"
    (rules / "escalation").mkdir(parents=True)
    for name in (*NEEDED, *(f"{ruleset}.yaml" for ruleset in rulesets)):
        (rules / name).write_text((ROOT / "rules" / name).read_text())
    return rules


def payload(name: str) -> dict[str, object]:
    """A payload of `tests/events`."""
    document = json.loads((EVENTS / f"{name}.json").read_text())
    assert isinstance(document, dict)
    return document


@dataclass(frozen=True, slots=True)
class Dead:
    """A dead letter: what was written, and why it was refused."""

    text: str
    reason: str | None


@dataclass(frozen=True, slots=True)
class Intake:
    """The queue and who takes its letters in."""

    api: Api
    queue: str
    poller: Poller

    def gets(self, *letters: Mapping[str, object] | str) -> None:
        """Other systems write letters, and the worker takes in what is there."""
        self.puts(*letters)
        self.works()

    def puts(self, *letters: Mapping[str, object] | str) -> None:
        """Other systems write letters."""
        for letter in letters:
            text = letter if isinstance(letter, str) else json.dumps(letter)
            sqs_client().send_message(QueueUrl=self.url(self.queue), MessageBody=text)

    def works(self) -> None:
        """The worker takes in what is there."""
        while self.poller.once():
            pass

    def works_until_empty(self) -> None:
        """The worker takes in what is there and what comes back in real time."""
        until = time.monotonic() + 20
        while self.waiting() and time.monotonic() < until:
            self.works()

    def waiting(self) -> int:
        """Letters in the queue, the hidden ones too."""
        counts = sqs_client().get_queue_attributes(QueueUrl=self.url(self.queue), AttributeNames=["All"])["Attributes"]
        return sum(int(count) for counted, count in counts.items() if counted.startswith("ApproximateNumber"))

    def dead(self) -> list[Dead]:
        """The dead letters; they stay."""
        return [_dead(message) for message in self._dead_messages()]

    def buries(self) -> list[Dead]:
        """The dead letters; they are gone afterwards."""
        messages = self._dead_messages()
        for message in messages:
            sqs_client().delete_message(QueueUrl=self._cemetery, ReceiptHandle=message["ReceiptHandle"])
        return [_dead(message) for message in messages]

    def reasons(self) -> list[str]:
        """Why letters were refused."""
        return [str(letter.reason) for letter in self.dead()]

    def audit(self, **query: str) -> list[dict[str, object]]:
        """Entries of the audit, in order."""
        asked = "&".join(f"{name}={value}" for name, value in query.items())
        items = self.api.client.get(f"/v1/audit?{asked}").json()["items"]
        assert isinstance(items, list)
        return items

    def _dead_messages(self) -> Sequence[MessageTypeDef]:
        answer = sqs_client().receive_message(
            QueueUrl=self._cemetery, MaxNumberOfMessages=10, VisibilityTimeout=0, MessageAttributeNames=["All"]
        )
        return answer.get("Messages", [])

    @property
    def _cemetery(self) -> str:
        return self.url(inbox.dead_letters_of(self.queue))

    @staticmethod
    def url(queue: str) -> str:
        return sqs_client().get_queue_url(QueueName=queue)["QueueUrl"]


def _dead(message: MessageTypeDef) -> Dead:
    about = message.get("MessageAttributes", {})
    return Dead(message["Body"], about["Reason"].get("StringValue") if "Reason" in about else None)


def intake_of(api: Api) -> Intake:
    """A new queue for an installation. A letter that is not deleted can be received again at once."""
    queue = f"intake-{uuid.uuid4().hex}"
    inbox.create(sqs_client(), queue)
    sqs_client().set_queue_attributes(QueueUrl=Intake.url(queue), Attributes={"VisibilityTimeout": "0"})
    box = SqsInbox(queue, sqs_client, wait=timedelta(0))
    return Intake(
        api, queue, Poller(box, api.service.consumer(), api.service.working_copies.check_published, lambda: 0.0)
    )
