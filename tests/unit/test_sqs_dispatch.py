"""Dispatch by SQS beyond the common contract: what is sent when, and what lost, late, doubled and alien notices do."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Barrier
from typing import TYPE_CHECKING, cast

import pytest
from msgspec import structs

from service.core.clock import HandClock
from service.core.enums import Lane
from service.storage import Item, StoreUnavailable
from service.storage.dynamodb import DynamoStore, TableNames
from service.storage.sqs import QueuedStore, QueueNames, create_queues
from service.storage.sqs.queues import connect as connect_queues
from service.storage.sqs.queues import whole_seconds
from service.storage.sqs.store import look_again_at
from tests.aws import Environment
from tests.aws_faults import Answer, CutOff, Fault, FaultyAws, LostAnswer, Page, Refusal, faulty_aws
from tests.contract.conftest import dynamodb_client, fresh_queues, fresh_tables, sqs_client, stored

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

NOW = datetime(2026, 5, 10, 9, 0, tzinfo=UTC)
LEASE = timedelta(seconds=30)
BULK = Lane.BULK
DOWN = (Refusal("ServiceUnavailable", 503),) * 2


@dataclass(frozen=True)
class Site:
    """One installation: its tables and queues, a clock, and the proxy in front of SQS."""

    tables: TableNames
    queues: QueueNames
    clock: HandClock
    sqs: FaultyAws
    connect: Callable[[], SQSClient]

    def store(self) -> QueuedStore:
        """Another process's store."""
        return QueuedStore(dynamodb_client, self.connect, self.tables, self.queues, self.clock, pause=lambda _: None)

    def sent(self) -> list[tuple[str, int]]:
        """Ids and delays of the notices sent since the last look."""
        batches = [
            cast("list[Mapping[str, object]]", batch["Entries"]) for batch in self.sqs.requests("SendMessageBatch")
        ]
        self.sqs.forget()
        return [
            (json.loads(str(entry["MessageBody"]))["id"], cast("int", entry["DelaySeconds"]))
            for batch in batches
            for entry in batch
        ]

    def waiting(self, name: str | None = None) -> int:
        """Messages in a queue, the delayed and the hidden ones too."""
        url = sqs_client().get_queue_url(QueueName=name or self.queues.of(BULK))["QueueUrl"]
        counts = sqs_client().get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        return sum(int(count) for counted, count in counts.items() if counted.startswith("ApproximateNumber"))

    def put(self, body: str) -> None:
        """A message that somebody else wrote."""
        url = sqs_client().get_queue_url(QueueName=self.queues.of(BULK))["QueueUrl"]
        sqs_client().send_message(QueueUrl=url, MessageBody=body)


@contextmanager
def faulty_sqs(aws_server: Environment) -> Iterator[tuple[FaultyAws, SQSClient]]:
    """A proxy in front of SQS, and a client that goes through it."""
    with faulty_aws(aws_server) as (faulty, environment), pytest.MonkeyPatch.context() as patched:
        for name, value in environment.items():
            patched.setenv(name, value)
        yield faulty, connect_queues()


@pytest.fixture(scope="module")
def proxy(aws_server: Environment) -> Iterator[tuple[FaultyAws, SQSClient]]:
    with faulty_sqs(aws_server) as proxied:
        yield proxied


@pytest.fixture
def site(aws: Environment, proxy: tuple[FaultyAws, SQSClient]) -> Site:
    faulty, client = proxy
    faulty.reset()
    return Site(fresh_tables(), fresh_queues(), HandClock(NOW), faulty, lambda: client)


@pytest.fixture
def store(site: Site) -> QueuedStore:
    return site.store()


def claimed(store: QueuedStore, now: datetime = NOW) -> list[str]:
    return sorted(item.id for item in store.claim(BULK, now, LEASE, 10))


# What is sent, and when.


def test_a_message_holds_the_id_and_nothing_else(site: Site, store: QueuedStore) -> None:
    store.add(Item("a", "k", {"text": "private"}, BULK, NOW, keys={"phone": "h"}))
    (batch,) = site.sqs.requests("SendMessageBatch")
    (entry,) = cast("list[Mapping[str, object]]", batch["Entries"])
    assert entry["MessageBody"] == '{"id":"a"}'


@pytest.mark.parametrize(
    ("due_in", "sent"),
    [
        (timedelta(days=-1), [("a", 0)]),
        (timedelta(0), [("a", 0)]),
        (timedelta(milliseconds=999), [("a", 0)]),
        (timedelta(seconds=40), [("a", 40)]),
        (timedelta(seconds=899, microseconds=1), [("a", 899)]),
        (timedelta(seconds=900), [("a", 900)]),
        (timedelta(seconds=900, microseconds=1), []),
        (timedelta(days=3), []),
    ],
)
def test_what_is_due_within_900_seconds_is_sent_when_it_is_saved(
    site: Site, store: QueuedStore, due_in: timedelta, sent: list[tuple[str, int]]
) -> None:
    store.add(Item("a", "k", {}, BULK, NOW + due_in))
    assert site.sent() == sent


def test_a_far_timer_is_sent_once_when_it_comes_within_900_seconds(site: Site, store: QueuedStore) -> None:
    store.add(Item("a", "k", {}, BULK, NOW + timedelta(days=3)))
    site.clock.advance(timedelta(days=3) - timedelta(seconds=900, microseconds=1))
    assert store.upkeep(site.clock.now()) == 0
    site.clock.advance(timedelta(microseconds=1))
    others = [site.store() for _ in range(3)]
    assert [other.upkeep(site.clock.now()) for other in others] == [1, 0, 0]
    assert site.sent() == [("a", 900)]
    site.clock.advance(timedelta(seconds=900))
    assert store.upkeep(site.clock.now()) == 0  # not overdue yet


def test_processes_that_sweep_at_the_same_moment_send_each_notice_once(site: Site, store: QueuedStore) -> None:
    far = NOW + timedelta(days=3)
    store.add(*(Item(f"i{number:02d}", "k", {}, BULK, far) for number in range(40)))
    start = Barrier(4)

    def sweep(process: QueuedStore) -> int:
        start.wait()
        return process.upkeep(far - timedelta(minutes=10))

    with ThreadPoolExecutor(4) as threads:
        assert sum(threads.map(sweep, [site.store() for _ in range(4)])) == 40
    assert sorted(item_id for item_id, _ in site.sent()) == [f"i{number:02d}" for number in range(40)]


def test_no_delay_is_ever_longer_than_sqs_allows(site: Site, store: QueuedStore) -> None:
    for number, seconds in enumerate([1, 899.5, 900, 905, 5000]):
        store.add(Item(f"i{number}", "k", {}, BULK, NOW + timedelta(seconds=seconds)))
    for minutes in (1, 70, 71, 80):
        store.upkeep(NOW + timedelta(minutes=minutes))
    assert all(0 <= delay <= 900 for _, delay in site.sent())


def test_children_and_other_lanes_go_to_their_own_queues_ten_at_a_time(site: Site, store: QueuedStore) -> None:
    children = [Item(f"c{number:02d}", "k", {}, BULK, NOW) for number in range(25)]
    store.save(Item("p", "k", {}, Lane.INCIDENT, NOW), spawn=children)
    sizes = sorted(len(cast("list[object]", batch["Entries"])) for batch in site.sqs.requests("SendMessageBatch"))
    assert sizes == [1, 5, 10, 10]
    assert (site.waiting(), site.waiting(site.queues.of(Lane.INCIDENT))) == (25, 1)


def test_nothing_is_sent_for_what_its_worker_holds_and_its_children_are(site: Site, store: QueuedStore) -> None:
    child, held = Item("c", "k", {}, BULK, NOW), Item("p", "k", {}, BULK, NOW + LEASE)
    store.save_all([held, Item("o", "k", {}, BULK, NOW)], spawn=[child], held=True)
    assert site.sent() == [("o", 0), ("c", 0)]


def test_nothing_is_sent_for_what_is_finished_or_refused(site: Site, store: QueuedStore) -> None:
    store.add(Item("a", "k", {}, BULK))
    with pytest.raises(Exception, match="exists"):
        store.add(Item("a", "k", {}, BULK, NOW))
    assert site.sent() == []


# What is lost is sent again, what is doubled does nothing.


def test_a_crash_between_write_and_send_costs_seconds(site: Site, store: QueuedStore) -> None:
    unannounced = DynamoStore(dynamodb_client, site.tables, site.clock, look=lambda due_at, _: due_at + 10_000_000)
    unannounced.add(Item("a", "k", {}, BULK, NOW))  # what a process leaves that dies before it sends
    site.clock.advance(timedelta(seconds=10))
    assert claimed(store) == []
    assert store.upkeep(site.clock.now()) == 1
    assert claimed(store, site.clock.now()) == ["a"]


def test_a_save_succeeds_although_sqs_is_down_and_upkeep_makes_up_for_it(site: Site, store: QueuedStore) -> None:
    site.sqs.script("SendMessageBatch", *DOWN)
    saved = store.save(Item("a", "k", {}, BULK, NOW))
    assert stored(store, "a") == saved
    assert site.waiting() == 0
    site.clock.advance(timedelta(seconds=10))
    store.upkeep(site.clock.now())
    assert claimed(store, site.clock.now()) == ["a"]


def test_a_notice_that_sqs_did_not_take_is_sent_again(site: Site, store: QueuedStore) -> None:
    failed = {"Failed": [{"Id": "0", "SenderFault": False, "Code": "InternalError"}], "Successful": []}
    site.sqs.script("SendMessageBatch", Answer(failed))
    store.add(Item("a", "k", {}, BULK, NOW))
    site.clock.advance(timedelta(seconds=10))
    assert store.upkeep(site.clock.now()) == 1
    assert claimed(store, site.clock.now()) == ["a"]


def test_a_notice_sent_twice_is_claimed_once(site: Site, store: QueuedStore) -> None:
    site.sqs.script("SendMessageBatch", LostAnswer())
    store.add(Item("a", "k", {}, BULK, NOW))
    assert site.waiting() == 2
    assert claimed(store) == ["a"]
    assert claimed(store) == []
    assert site.waiting() == 0
    assert stored(store, "a").attempts == 1


def test_a_worker_that_dies_after_its_claim_is_replaced_when_the_lease_ends(site: Site, store: QueuedStore) -> None:
    store.add(Item("a", "k", {}, BULK, NOW))
    assert claimed(store) == ["a"]
    site.clock.advance(LEASE - timedelta(microseconds=1))
    assert store.upkeep(site.clock.now()) == 0
    site.clock.advance(timedelta(microseconds=1))
    assert store.upkeep(site.clock.now()) == 1
    assert claimed(site.store(), site.clock.now()) == ["a"]


def test_a_long_backlog_is_sent_again_ever_more_rarely(site: Site, store: QueuedStore) -> None:
    store.add(Item("a", "k", {}, BULK, NOW))
    for _ in range(60):  # an hour in which nobody claims
        site.clock.advance(timedelta(minutes=1))
        store.upkeep(site.clock.now())
    assert 4 < len(site.sent()) < 10
    assert look_again_at(NOW, NOW + timedelta(hours=1)) == NOW + timedelta(hours=2)


def test_a_notice_of_an_item_that_was_finished_meanwhile_is_dropped(site: Site, store: QueuedStore) -> None:
    item = store.save(Item("a", "k", {}, BULK, NOW))
    store.save(structs.replace(item, due_at=None))
    assert claimed(store) == []
    assert site.waiting() == 0


def test_a_notice_that_comes_a_little_early_waits(site: Site, store: QueuedStore) -> None:
    store.add(Item("a", "k", {}, BULK, NOW + timedelta(seconds=3, milliseconds=500)))
    site.put('{"id":"a"}')  # as if sent by a machine whose clock is ahead
    assert claimed(store) == []
    (hidden,) = site.sqs.requests("ChangeMessageVisibility")
    assert hidden["VisibilityTimeout"] == 4
    assert site.waiting() == 2


def test_a_timer_of_a_fraction_of_a_second_is_met_although_queues_count_whole_ones(
    site: Site, store: QueuedStore
) -> None:
    store.add(Item("a", "k", {}, BULK, NOW + timedelta(milliseconds=300)))
    assert claimed(store) == []
    assert claimed(store, NOW + timedelta(milliseconds=299)) == []
    assert claimed(store, NOW + timedelta(milliseconds=300)) == ["a"]
    assert site.sqs.requests("ChangeMessageVisibility") == []
    assert site.waiting() == 0


def test_a_worker_keeps_few_early_notices_so_that_others_get_some(site: Site, store: QueuedStore) -> None:
    store.add(*(Item(f"i{n:02d}", "k", {}, BULK, NOW + timedelta(milliseconds=300)) for n in range(15)))
    assert claimed(store) == []
    assert len(site.sqs.requests("ChangeMessageVisibility")) == 5


def test_a_worker_that_ends_hands_early_notices_to_others_at_once(site: Site, store: QueuedStore) -> None:
    store.add(Item("a", "k", {}, BULK, NOW + timedelta(milliseconds=300)))
    assert claimed(store) == []
    store.close()
    assert claimed(site.store(), NOW + timedelta(milliseconds=300)) == ["a"]


def test_a_notice_that_comes_much_too_early_is_dropped(site: Site, store: QueuedStore) -> None:
    store.add(Item("a", "k", {}, BULK, NOW + timedelta(hours=1)))
    site.put('{"id":"a"}')
    assert claimed(store) == []
    assert site.waiting() == 0


# What is alien or fails.


ALIEN = [" ", "not json", "[]", '{"id":7}', '{"id":""}', '{"id":"' + "x" * 901 + '"}', '{"x":"a"}']


@pytest.mark.parametrize("body", ALIEN)
def test_what_cannot_be_decoded_is_left_to_the_dead_letters_and_stops_nobody(
    site: Site, store: QueuedStore, body: str
) -> None:
    site.put(body)
    store.add(Item("a", "k", {}, BULK, NOW))
    assert claimed(store) == ["a"]
    assert site.waiting() == 1


def test_what_cannot_be_decoded_reaches_the_dead_letter_queue(site: Site, store: QueuedStore) -> None:
    url = sqs_client().get_queue_url(QueueName=site.queues.of(BULK))["QueueUrl"]
    sqs_client().set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "0"})
    site.put("not json")
    for _ in range(7):
        assert claimed(store) == []
    assert (site.waiting(), site.waiting(site.queues.dead(BULK))) == (0, 1)


def test_an_id_of_nothing_is_dropped(site: Site, store: QueuedStore) -> None:
    for item_id in ("nobody", "#slots", "#rate#sms"):
        site.put(json.dumps({"id": item_id}))
    store.reserve("sms", 1, 1.0, NOW)
    assert claimed(store) == []
    assert site.waiting() == 0


def test_claims_without_sqs_are_unavailable(site: Site, store: QueuedStore) -> None:
    site.sqs.script("ReceiveMessage", *DOWN)
    with pytest.raises(StoreUnavailable, match="SQS"):
        claimed(store)


@pytest.mark.parametrize("fault", [CutOff(), Page()], ids=["cut", "page"])
def test_a_queue_whose_address_cannot_be_read_is_asked_for_again(site: Site, store: QueuedStore, fault: Fault) -> None:
    site.sqs.script("GetQueueUrl", fault)
    store.add(Item("a", "k", {}, BULK, NOW))
    assert claimed(store) == ["a"]


@pytest.mark.parametrize("prefix", ["", "AWS.SimpleQueueService."])
@pytest.mark.parametrize("code", ["RequestThrottled", "OverLimit"])
def test_a_throttle_is_waited_out_whatever_its_name_begins_with(
    site: Site, store: QueuedStore, prefix: str, code: str
) -> None:
    store.add(Item("a", "k", {}, BULK, NOW))
    site.sqs.script("ReceiveMessage", Refusal(prefix + code))
    assert claimed(store) == ["a"]


@pytest.mark.parametrize("operation", ["SendMessageBatch", "ReceiveMessage", "DeleteMessageBatch"])
@pytest.mark.parametrize("fault", [CutOff(), Page(), Page(b"\xff"), Page(b"{", 400)], ids=repr)
def test_whatever_sqs_answers_nothing_is_lost_and_nothing_claimed_twice(
    site: Site, store: QueuedStore, operation: str, fault: Fault
) -> None:
    site.sqs.script(operation, fault)
    store.add(Item("a", "k", {}, BULK, NOW))
    found = claimed(store)
    site.clock.advance(timedelta(seconds=11))
    store.upkeep(site.clock.now())
    assert found + claimed(store, site.clock.now()) == ["a"]


def test_a_batch_whose_answer_was_cut_off_is_sent_again_at_once(site: Site, store: QueuedStore) -> None:
    site.sqs.script("SendMessageBatch", CutOff())
    store.add(Item("a", "k", {}, BULK, NOW))
    assert site.sent() == [("a", 0)] * 2


def test_what_was_claimed_is_handed_over_although_its_message_cannot_be_deleted(site: Site, store: QueuedStore) -> None:
    store.add(Item("a", "k", {}, BULK, NOW))
    site.sqs.script("DeleteMessageBatch", *DOWN)
    assert claimed(store) == ["a"]


def test_missing_queues_say_what_to_run(site: Site) -> None:
    nowhere = QueuedStore(dynamodb_client, site.connect, site.tables, QueueNames("nowhere"), site.clock)
    with pytest.raises(StoreUnavailable, match="tocsin aws init"):
        nowhere.ping()


def test_creating_the_queues_twice_is_harmless_and_mends_their_settings(site: Site) -> None:
    url = sqs_client().get_queue_url(QueueName=site.queues.of(BULK))["QueueUrl"]
    sqs_client().set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "1"})
    create_queues(sqs_client(), site.queues)
    attributes = sqs_client().get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert attributes["VisibilityTimeout"] == "30"
    assert json.loads(attributes["RedrivePolicy"])["deadLetterTargetArn"].endswith(site.queues.dead(BULK))
    assert int(json.loads(attributes["RedrivePolicy"])["maxReceiveCount"]) == 5


def test_whole_seconds_are_rounded_up() -> None:
    assert [whole_seconds(timedelta(seconds=n)) for n in (0, 0.000001, 1, 1.2)] == [0, 1, 1, 2]
