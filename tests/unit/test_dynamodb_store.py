"""The DynamoDB store beyond the common contract: faults of the network and of AWS, and what AWS would refuse."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, cast

import pytest
from msgspec import structs

from service.core.clock import HandClock
from service.core.enums import Lane
from service.storage import AlreadyExists, AuditEntry, AuditQuery, Conflict, Item, StoreUnavailable
from service.storage.aws_calls import FAILED_TRIES, AwsCalls
from service.storage.dynamodb import DynamoStore, TableNames, connect, create_tables
from service.storage.dynamodb.shards import KNOWN_FOR_S, Shards
from tests.aws import Environment
from tests.aws_faults import Answer, CutOff, Fault, FaultyAws, LostAnswer, Page, Pass, Refusal, faulty_aws
from tests.contract.conftest import dynamodb_client, fresh_tables, stored

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

NOW = datetime(2026, 5, 10, 9, 0, tzinfo=UTC)
LEASE = timedelta(seconds=30)
THROTTLED = Refusal("ProvisionedThroughputExceededException")
TRIES = 8


@pytest.fixture(scope="module")
def proxy(aws_server: Environment) -> Iterator[tuple[FaultyAws, DynamoDBClient]]:
    """The proxy and a client that knows nothing else."""
    with faulty_aws(aws_server) as (faulty, environment), pytest.MonkeyPatch.context() as patched:
        for name, value in environment.items():
            patched.setenv(name, value)
        yield faulty, connect()


@pytest.fixture
def faults(proxy: tuple[FaultyAws, DynamoDBClient]) -> FaultyAws:
    faulty, _ = proxy
    faulty.reset()
    return faulty


@pytest.fixture
def client(proxy: tuple[FaultyAws, DynamoDBClient]) -> Callable[[], DynamoDBClient]:
    return lambda: proxy[1]


@pytest.fixture
def pauses() -> list[float]:
    return []


@pytest.fixture
def tables(aws: Environment) -> TableNames:
    return fresh_tables()


@pytest.fixture
def store(
    client: Callable[[], DynamoDBClient], tables: TableNames, faults: FaultyAws, pauses: list[float]
) -> DynamoStore:
    return DynamoStore(client, tables, HandClock(NOW), pause=pauses.append, chance=lambda: 1.0)


def entry(audit_id: str) -> AuditEntry:
    return AuditEntry(audit_id, "REQ-1", "request", NOW, "shop", "{}", "premium")


# A write that succeeded although its answer was lost is not mistaken for somebody else's.


def test_an_add_whose_answer_was_lost_has_succeeded(store: DynamoStore, faults: FaultyAws) -> None:
    faults.script("PutItem", LostAnswer())
    store.add(Item("a", "k", {"n": 1}))
    assert faults.operations().count("PutItem") == 2
    assert stored(store, "a").state == {"n": 1}


def test_a_save_whose_answer_was_lost_has_succeeded(store: DynamoStore, faults: FaultyAws) -> None:
    item = store.save(Item("a", "k", {"n": 1}))
    faults.script("PutItem", LostAnswer(), LostAnswer())
    saved = store.save(structs.replace(item, state={"n": 2}))
    assert stored(store, "a") == saved == structs.replace(item, state={"n": 2}, version=item.version + 1)


def test_a_save_that_another_overtook_between_two_tries_is_a_conflict(
    client: Callable[[], DynamoDBClient], tables: TableNames, faults: FaultyAws
) -> None:
    other = DynamoStore(dynamodb_client, tables, HandClock(NOW))
    item = other.save(Item("a", "k", {"n": 1}))

    def overtake(_: float) -> None:
        other.save(structs.replace(item, state={"n": "theirs"}))

    store = DynamoStore(client, tables, HandClock(NOW), pause=overtake, chance=lambda: 1.0)
    faults.script("PutItem", Refusal("InternalServerError", 500))
    with pytest.raises(Conflict):
        store.save(structs.replace(item, state={"n": 2}))
    assert stored(store, "a").state == {"n": "theirs"}


def test_a_commit_of_many_whose_answer_was_lost_has_succeeded(store: DynamoStore, faults: FaultyAws) -> None:
    faults.script("TransactWriteItems", LostAnswer())
    store.save(Item("p", "k", {}), spawn=[Item("c", "k", {})], audit=[entry("e")])
    assert [stored(store, one).state for one in ("p", "c")] == [{}, {}]
    first, second = faults.requests("TransactWriteItems")
    assert first["ClientRequestToken"] == second["ClientRequestToken"]


def test_a_repeated_commit_is_recognised_by_its_rows_when_dynamodb_has_forgotten_it(
    client: Callable[[], DynamoDBClient], tables: TableNames, faults: FaultyAws
) -> None:
    def forget(_: float) -> None:  # as DynamoDB does after ten minutes: the second try meets the first one's rows
        rows = [write["Put"]["Item"] for write in _writes(faults.requests("TransactWriteItems")[-1])]
        faults.script(
            "TransactWriteItems", _cancelled([{"Code": "ConditionalCheckFailed", "Item": row} for row in rows])
        )

    store = DynamoStore(client, tables, HandClock(NOW), pause=forget, chance=lambda: 1.0)
    parent = store.save(Item("p", "k", {}))
    faults.script("TransactWriteItems", LostAnswer())
    saved = store.save(parent, spawn=[Item("c", "k", {})])
    assert stored(store, "p") == saved == structs.replace(parent, version=parent.version + 1)


def test_a_claim_whose_answer_was_lost_has_succeeded(store: DynamoStore, faults: FaultyAws) -> None:
    store.add(Item("a", "k", {}, Lane.BULK, NOW))
    faults.script("UpdateItem", LostAnswer())
    assert [item.attempts for item in store.claim(Lane.BULK, NOW, LEASE, 1)] == [1]


def test_a_removal_whose_answer_was_lost_has_succeeded(store: DynamoStore, faults: FaultyAws) -> None:
    item = store.save(Item("a", "k", {}))
    faults.script("DeleteItem", LostAnswer())
    store.remove(item)
    assert store.get("a") is None


def test_an_entry_whose_answer_was_lost_is_there_once(store: DynamoStore, faults: FaultyAws) -> None:
    store.append(entry("day is noted"))
    faults.script("PutItem", LostAnswer())
    store.append(entry("e"))
    with pytest.raises(AlreadyExists):
        store.append(entry("e"))
    assert len(store.audit_entries(AuditQuery()).items) == 2


# A cut-off answer decides nothing.


def test_an_item_whose_answer_was_cut_off_is_not_taken_for_absent(store: DynamoStore, faults: FaultyAws) -> None:
    item = store.save(Item("a", "k", {"n": 1}, keys={"of": "x"}), audit=[entry("e")])
    faults.script("GetItem", CutOff(), CutOff())
    assert store.get("a") == item
    faults.script("GetItem", CutOff())
    assert store.audit_entry("e") == entry("e")


def test_lists_whose_answers_were_cut_off_are_asked_for_again(store: DynamoStore, faults: FaultyAws) -> None:
    item = store.save(Item("a", "k", {"n": 1}, Lane.BULK, NOW, keys={"of": "x"}))
    for operation in ("Query", "BatchGetItem"):
        faults.script(operation, CutOff())
        assert list(store.by_index("of", "x").items) == [item]
    faults.script("BatchGetItem", CutOff())
    assert store.get_many(["a", "b"]) == {"a": item}
    faults.script("Query", CutOff())
    assert store.count("of", "x") == 1


def test_answers_that_are_cut_off_time_and_again_are_unavailable_never_absent(
    store: DynamoStore, faults: FaultyAws
) -> None:
    store.add(Item("a", "k", {}))
    faults.script("GetItem", *[CutOff()] * 8)
    with pytest.raises(StoreUnavailable):
        store.get("a")


# What is no answer of AWS says neither that a write was made nor that it was not.

UNREADABLE = Page(b'{"Attributes": "\xff"}')
NAMELESS = Page(b'{"__ty', 400)  # an error that was cut off before its name


@pytest.mark.parametrize("fault", [CutOff(), Page(), UNREADABLE, NAMELESS], ids=["cut", "page", "bytes", "nameless"])
def test_a_write_counts_as_made_only_when_dynamodb_says_so(store: DynamoStore, faults: FaultyAws, fault: Fault) -> None:
    faults.script("PutItem", *[fault] * 3)
    item = store.save(Item("a", "k", {"n": 1}, Lane.BULK, NOW))
    assert store.get("a") == item
    faults.script("TransactWriteItems", fault)
    store.save(item, spawn=[Item("c", "k", {})], audit=[entry("e")])
    assert [stored(store, one).id for one in ("a", "c")] == ["a", "c"]
    assert store.audit_entry("e") == entry("e")
    faults.script("UpdateItem", fault)
    (claimed,) = store.claim(Lane.BULK, NOW, LEASE, 1)
    assert claimed.attempts == 1
    faults.script("DeleteItem", fault)
    store.remove(claimed)
    assert store.get("a") is None


@pytest.mark.parametrize("fault", [CutOff(), Page(), UNREADABLE], ids=["cut", "page", "bytes"])
def test_a_booking_whose_answer_cannot_be_read_is_made_again_and_never_less(
    store: DynamoStore, faults: FaultyAws, fault: Fault
) -> None:
    store.reserve("sms", 1, 1.0, NOW)
    faults.script("UpdateItem", fault)
    assert store.reserve("sms", 1, 1.0, NOW) >= NOW + timedelta(seconds=1)


def test_answers_that_are_none_time_and_again_are_unavailable(store: DynamoStore, faults: FaultyAws) -> None:
    faults.script("PutItem", *[Page()] * TRIES)
    with pytest.raises(StoreUnavailable, match="8 tries: ResponseStreamingError"):
        store.add(Item("a", "k", {}))
    assert store.get("a") is None


def test_every_failed_try_is_counted_by_its_error(store: DynamoStore, faults: FaultyAws) -> None:
    def failed(error: str) -> float:
        samples = [sample for metric in FAILED_TRIES.collect() for sample in metric.samples]
        labels = {"service": "DynamoDB", "error": error, "reason": "", "resource": ""}
        return sum(one.value for one in samples if one.labels == labels and one.name.endswith("_total"))

    counted = ("ProvisionedThroughputExceededException", "ConnectionClosedError", "AccessDeniedException")
    before = [failed(error) for error in counted]
    faults.script("PutItem", THROTTLED, LostAnswer(), THROTTLED)
    store.add(Item("a", "k", {}))
    faults.script("GetItem", Refusal("AccessDeniedException"))
    with pytest.raises(StoreUnavailable):
        store.get("a")
    assert [failed(error) - was for error, was in zip(counted, before, strict=True)] == [2, 1, 1]


def test_an_operator_reads_which_index_is_too_hot_and_why(store: DynamoStore, faults: FaultyAws) -> None:
    reason = "IndexWriteKeyRangeThroughputExceeded"
    index = "arn:aws:dynamodb:us-east-1:111122223333:table/tocsin_items/index/due"
    hot = Refusal("ThrottlingException", members={"throttlingReasons": [{"reason": reason, "resource": index}]})
    faults.script("PutItem", *[hot] * TRIES)
    with pytest.raises(StoreUnavailable, match=rf"ThrottlingException \({reason} of tocsin_items/index/due\)"):
        store.add(Item("a", "k", {}))
    labels = {"error": "ThrottlingException", "reason": reason, "resource": "tocsin_items/index/due"}
    samples = [sample for metric in FAILED_TRIES.collect() for sample in metric.samples]
    assert [one.value for one in samples if labels.items() <= one.labels.items() and one.name.endswith("_total")] == [8]


# What passes is tried again, within bounds; what does not is said.


@pytest.mark.parametrize(
    "fault",
    [
        THROTTLED,
        Refusal("ThrottlingException"),
        Refusal("TransactionConflictException"),
        Refusal("InternalServerError", 500),
        Refusal("ServiceUnavailable", 503),
        Refusal("RequestTimeout", 504),
        Refusal("RequestTimeoutException", 408),
        Refusal("KMSThrottlingException"),
        Refusal("ReplicatedWriteConflictException"),
        Refusal("Throttling"),
        Refusal("NewKindOfThrottle", 429),
    ],
    ids=lambda fault: fault.code,
)
def test_a_passing_refusal_is_tried_again_with_growing_pauses(
    store: DynamoStore, faults: FaultyAws, pauses: list[float], fault: Refusal
) -> None:
    faults.script("PutItem", fault, fault, fault)
    store.add(Item("a", "k", {"n": 1}))
    assert stored(store, "a").state == {"n": 1}
    assert pauses == [0.05, 0.1, 0.2]


@pytest.mark.parametrize("code", ["TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"])
def test_a_transaction_in_the_way_of_another_is_tried_again(store: DynamoStore, faults: FaultyAws, code: str) -> None:
    faults.script("TransactWriteItems", _cancelled([{"Code": "None"}, {"Code": code}]))
    store.add(Item("a", "k", {}), Item("b", "k", {}))
    assert [stored(store, one).state for one in ("a", "b")] == [{}, {}]


def test_throttling_that_does_not_end_is_unavailable_after_bounded_tries(
    store: DynamoStore, faults: FaultyAws, pauses: list[float]
) -> None:
    faults.script("PutItem", *[THROTTLED] * 100)
    with pytest.raises(StoreUnavailable, match="8 tries: ProvisionedThroughputExceededException"):
        store.add(Item("a", "k", {}))
    assert len(faults.requests("PutItem")) == TRIES
    assert sum(pauses) < 5
    assert max(pauses) <= 1


def test_pauses_are_random_within_their_bound(
    client: Callable[[], DynamoDBClient], tables: TableNames, faults: FaultyAws, pauses: list[float]
) -> None:
    store = DynamoStore(client, tables, pause=pauses.append, chance=lambda: 0.25)
    faults.script("GetItem", THROTTLED)
    store.get("a")
    assert pauses == [0.0125]


def test_missing_tables_are_unavailable_and_the_message_says_what_to_run(
    client: Callable[[], DynamoDBClient], faults: FaultyAws
) -> None:
    with pytest.raises(StoreUnavailable, match="tocsin aws init"):
        DynamoStore(client, TableNames("nowhere", "nowhere-either")).get("a")


def test_refused_credentials_are_unavailable_at_once(store: DynamoStore, faults: FaultyAws) -> None:
    faults.script("GetItem", Refusal("AccessDeniedException"), Refusal("AccessDeniedException"))
    with pytest.raises(StoreUnavailable, match="policy"):
        store.ping()
    assert len(faults.requests("GetItem")) == 1


def test_a_server_that_is_not_there_is_unavailable(tables: TableNames, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with pytest.raises(StoreUnavailable, match="EndpointConnectionError"):
        DynamoStore(tables=tables, pause=lambda _: None).get("a")


def test_keys_that_were_not_processed_are_asked_for_again(
    store: DynamoStore, faults: FaultyAws, tables: TableNames
) -> None:
    for number in range(3):
        store.add(Item(f"i{number}", "k", {}, keys={"of": "x"}))
    asked = {"Keys": [{"id": {"S": f"i{number}"}} for number in range(3)], "ConsistentRead": True}
    faults.script("BatchGetItem", Answer({"Responses": {}, "UnprocessedKeys": {tables.items: asked}}))
    assert [item.id for item in store.by_index("of", "x").items] == ["i0", "i1", "i2"]


def test_a_claim_that_is_cut_short_still_hands_over_what_it_took(store: DynamoStore, faults: FaultyAws) -> None:
    store.add(Item("a", "k", {}, Lane.BULK, NOW))
    store.add(Item("b", "k", {}, Lane.BULK, NOW + timedelta(microseconds=1)))
    faults.script("UpdateItem", Pass(), *[THROTTLED] * TRIES)
    assert [item.id for item in store.claim(Lane.BULK, NOW + LEASE, LEASE, 2)] == ["a"]


def test_a_forked_child_has_a_client_of_its_own(tables: TableNames) -> None:
    store = DynamoStore(tables=tables)
    store.add(Item("a", "k", {}))
    child = os.fork()
    if child == 0:
        code = 1
        try:
            store.add(Item("child", "k", {}))
            code = 0
        finally:
            os._exit(code)
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(store.get, ["a"] * 20))
    assert None not in found
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert store.get("child") is not None


# Which calls are made, and what AWS would refuse although the emulator takes it.


def test_an_item_alone_takes_the_cheaper_put_and_several_a_transaction(store: DynamoStore, faults: FaultyAws) -> None:
    item = store.save(Item("a", "k", {}))
    store.save(item)
    assert faults.operations() == ["PutItem", "PutItem"]
    faults.forget()
    store.add(Item("b", "k", {}), Item("c", "k", {}))
    assert faults.operations() == ["TransactWriteItems"]


def test_reads_that_decide_are_consistent(store: DynamoStore, faults: FaultyAws) -> None:
    store.add(Item("a", "k", {}, keys={"of": "x"}))
    store.get("a")
    store.by_index("of", "x")
    assert all(request["ConsistentRead"] is True for request in faults.requests("GetItem"))
    (batch,) = faults.requests("BatchGetItem")
    asked = cast("Mapping[str, Mapping[str, object]]", batch["RequestItems"])
    assert [table["ConsistentRead"] for table in asked.values()] == [True]


def test_no_expression_names_an_attribute_in_the_clear_or_declares_what_it_does_not_use(
    store: DynamoStore, faults: FaultyAws
) -> None:
    _use_everything(store)
    requests = [request for operation in set(faults.operations()) for request in faults.requests(operation)]
    seen = [part for request in requests for part in _parts(request)]
    assert len(seen) > 20
    for part in seen:
        expressions = " ".join(str(text) for name, text in part.items() if name.endswith("Expression"))
        used_names, used_values = set(re.findall(r"#\w+", expressions)), set(re.findall(r":\w+", expressions))
        assert used_names == set(cast("Mapping[str, str]", part.get("ExpressionAttributeNames", {}))), expressions
        assert used_values == set(cast("Mapping[str, str]", part.get("ExpressionAttributeValues", {}))), expressions
        bare = re.sub(r"[#:]\w+|attribute_(not_)?exists|\b(SET|ADD|AND|OR|BETWEEN)\b", "", expressions)
        assert not re.search(r"[A-Za-z]", bare), expressions


def test_filters_never_name_a_key_of_their_index(store: DynamoStore, faults: FaultyAws) -> None:
    _use_everything(store)
    for query in faults.requests("Query"):
        in_filter = set(re.findall(r"#\w+", str(query.get("FilterExpression", ""))))
        in_key = set(re.findall(r"#\w+", str(query["KeyConditionExpression"])))
        assert not in_filter & in_key
        assert not {"#id", "#look_at", "#place"} & in_filter


def test_nothing_is_ever_scanned(store: DynamoStore, faults: FaultyAws) -> None:
    _use_everything(store)
    assert set(faults.operations()) == {
        "PutItem", "GetItem", "TransactWriteItems", "Query", "BatchGetItem", "UpdateItem", "DeleteItem",
    }  # fmt: skip


def test_an_item_that_expires_carries_its_time_to_live_in_seconds(store: DynamoStore, faults: FaultyAws) -> None:
    store.add(Item("a", "k", {}, expires_at=NOW + timedelta(microseconds=1)))
    row = cast("Mapping[str, Mapping[str, str]]", faults.requests("PutItem")[0]["Item"])
    assert int(row["forget_at"]["N"]) == NOW.timestamp() + 1


def test_the_due_index_may_grow_shards_and_loses_nobody(tables: TableNames, aws: Environment) -> None:
    for number, shards in enumerate([1, 3, 8]):
        store = DynamoStore(dynamodb_client, tables, HandClock(NOW), shards=shards)
        store.add(*(Item(f"{number}-{n}", "k", {}, Lane.BULK, NOW) for n in range(20)))
    claimed = DynamoStore(dynamodb_client, tables, HandClock(NOW), shards=8).claim(Lane.BULK, NOW, LEASE, 100)
    assert len(claimed) == 60


def test_lowering_the_number_of_shards_loses_nobody(tables: TableNames, aws: Environment) -> None:
    many = DynamoStore(dynamodb_client, tables, HandClock(NOW), shards=8)
    many.add(*(Item(f"many-{n}", "k", {}, Lane.BULK, NOW) for n in range(20)))
    few = DynamoStore(dynamodb_client, tables, HandClock(NOW), shards=2)
    few.add(*(Item(f"few-{n}", "k", {}, Lane.BULK, NOW) for n in range(20)))
    assert len(few.claim(Lane.BULK, NOW, LEASE, 100)) == 40


def test_lowering_the_number_of_shards_of_the_audit_hides_no_entry(tables: TableNames, aws: Environment) -> None:
    for shards in (8, 2):
        store = DynamoStore(dynamodb_client, tables, HandClock(NOW), audit_shards=shards)
        store.append(*(entry(f"{shards}-{n}") for n in range(20)))
    for query in (AuditQuery(), AuditQuery(ruleset="premium")):
        assert len(store.audit_entries(query).items) == store.count_audit(query) == 40


def test_a_process_that_runs_learns_of_shards_that_a_newer_release_writes_into(
    tables: TableNames, aws: Environment
) -> None:
    passed = [0.0]
    calls = AwsCalls("DynamoDB", dynamodb_client, lambda _: None, lambda: 0.0)
    old = Shards(calls, tables.items, 2, elapsed=lambda: passed[0])
    assert (old.to_read(), old.to_write()) == (2, 2)
    assert Shards(calls, tables.items, 8).to_write() == 8
    assert (old.to_read(), old.to_write()) == (2, 2)
    passed[0] += KNOWN_FOR_S + 1
    assert (old.to_read(), old.to_write()) == (8, 2)


def test_what_stands_in_the_table_about_shards_is_asked_once_by_a_process_that_writes(
    store: DynamoStore, faults: FaultyAws
) -> None:
    for name in "ab":
        store.add(Item(name, "k", {}, Lane.BULK, NOW))
    assert faults.operations() == ["GetItem", "UpdateItem", "PutItem", "PutItem"]


def test_creating_the_tables_again_is_harmless_and_lets_them_forget(tables: TableNames) -> None:
    expiry = dynamodb_client().describe_time_to_live(TableName=tables.items)["TimeToLiveDescription"]
    assert expiry["TimeToLiveStatus"] == "DISABLED"  # as tests want it, whose clocks are behind the server's
    create_tables(dynamodb_client(), tables)
    described = dynamodb_client().describe_table(TableName=tables.items)["Table"]
    assert {index["IndexName"] for index in described["GlobalSecondaryIndexes"]} >= {"due", "slot00", "slot15"}
    assert len(described["GlobalSecondaryIndexes"]) <= 20  # the quota of a table
    expiry = dynamodb_client().describe_time_to_live(TableName=tables.items)["TimeToLiveDescription"]
    assert (expiry["TimeToLiveStatus"], expiry["AttributeName"]) == ("ENABLED", "forget_at")


def _cancelled(reasons: list[dict[str, object]]) -> Refusal:
    return Refusal("TransactionCanceledException", members={"CancellationReasons": reasons})


def _use_everything(store: DynamoStore) -> None:
    store.save(Item("a", "k", {}, Lane.BULK, NOW, keys={"of": "x"}), audit=[entry("e1")])
    store.add(Item("b", "k", {}, keys={"of": "x"}), Item("c", "k", {}))
    page = store.by_index("of", "x", limit=1)
    store.by_index("of", "x", cursor=page.cursor, newest_first=True)
    store.count("of", "x")
    store.claim(Lane.BULK, NOW, LEASE, 5)
    store.reserve("sms", 1, 1.0, NOW)
    store.reserve("sms", 1, 1.0, NOW)
    for query in (AuditQuery(), AuditQuery("REQ-1"), AuditQuery(None, "premium", NOW, NOW + LEASE)):
        store.audit_entries(query)
    store.audit_entry("e1")
    store.remove(stored(store, "a"))
    store.ping()


def _parts(request: Mapping[str, object]) -> Iterator[Mapping[str, object]]:
    """A request, or each write of a transaction."""
    if "TransactItems" in request:
        yield from (write["Put"] for write in _writes(request))
    elif any(name.endswith("Expression") for name in request):
        yield request


def _writes(request: Mapping[str, object]) -> list[Mapping[str, Mapping[str, object]]]:
    return cast("list[Mapping[str, Mapping[str, object]]]", request["TransactItems"])
