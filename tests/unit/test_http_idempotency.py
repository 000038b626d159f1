"""`Idempotency-Key`, seen by callers; time is moved by hand."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from werkzeug.test import TestResponse

from service.core.enums import Scope
from service.core.errors import Unavailable
from service.http import Caller, conflict
from tests.unit.http_app import Shop

TEA = '{"lines":[{"name":"tea","count":1}]}'
MILK = '{"lines":[{"name":"milk","count":1}]}'


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


def order(shop: Shop, body: str = TEA, idempotency_key: str = "k1", **more: str) -> TestResponse:
    return shop.post(body, Idempotency_Key=idempotency_key, **more)


def told(answer: TestResponse) -> tuple[int, str | None]:
    """Status and, for a problem, its type."""
    document = answer.get_json()
    return answer.status_code, document.get("type")


def test_a_repeated_request_is_carried_out_once_and_answered_alike(shop: Shop) -> None:
    first = order(shop, X_Request_Id="one")
    shop.clock.advance(timedelta(hours=23))
    second = order(shop, X_Request_Id="two")
    assert (second.status_code, second.text) == (201, first.text)
    assert second.headers["Location"] == first.headers["Location"]
    assert second.mimetype == first.mimetype
    assert second.headers["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in first.headers
    assert second.headers["X-Request-Id"] == "two"
    assert len(shop.made) == 1


def test_a_replay_echoes_the_request_id_of_the_body(shop: Shop) -> None:
    body = '{"lines":[],"request_id":"REQ-7"}'
    assert [order(shop, body).headers["X-Request-Id"] for _ in range(2)] == ["REQ-7", "REQ-7"]


def test_without_a_key_every_request_makes_something(shop: Shop) -> None:
    assert shop.post(TEA).get_json()["order_id"] != shop.post(TEA).get_json()["order_id"]


@pytest.mark.parametrize("other", [{"body": MILK}, {"Accept": "application/json", "path": "/v1/orders?x=1"}])
def test_a_key_that_came_with_another_request_is_422(shop: Shop, other: dict[str, str]) -> None:
    order(shop)
    assert told(order(shop, **other)) == (422, "/problems/key-reused")
    assert len(shop.made) == 1


def test_two_apps_may_use_the_same_key(shop: Shop) -> None:
    mine = order(shop)
    other = shop.post(TEA, key=shop.key_for("other", [Scope.NOTIFY]), Idempotency_Key="k1")
    assert other.status_code == 201
    assert other.get_json()["order_id"] != mine.get_json()["order_id"]


@pytest.mark.parametrize("key", ["", " ", "two words", "x" * 256, "é"])
def test_a_malformed_key_is_400(shop: Shop, key: str) -> None:
    assert told(order(shop, idempotency_key=key)) == (400, "/problems/bad-request")
    assert shop.made == []


def test_a_key_of_255_characters_is_taken(shop: Shop) -> None:
    assert order(shop, idempotency_key="x" * 255).status_code == 201


def test_while_the_first_is_in_progress_the_second_waits(shop: Shop) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def wait(_caller: Caller) -> None:
        begun.set()
        assert go_on.wait(10)

    shop.on_order = wait
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(order, shop)
        assert begun.wait(10)
        second = order(shop)
        go_on.set()
        assert first.result(10).status_code == 201
    assert told(second) == (409, "/problems/in-progress")
    assert 1 <= int(second.headers["Retry-After"]) <= 60
    assert order(shop).headers["Idempotency-Replayed"] == "true"
    assert len(shop.made) == 1


def test_of_many_at_the_same_instant_one_is_carried_out(shop: Shop) -> None:
    start = threading.Barrier(8)

    def at_once() -> TestResponse:
        start.wait(10)
        return order(shop)

    with ThreadPoolExecutor(8) as pool:
        answers = [future.result(20) for future in [pool.submit(at_once) for _ in range(8)]]
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert len({answer.text for answer in answers if answer.status_code == 201}) == 1
    assert len(shop.made) == 1


def test_an_abandoned_request_frees_its_key_after_a_minute_and_the_next_makes_the_same_thing(shop: Shop) -> None:
    ids: list[str] = []

    def die(caller: Caller) -> None:
        ids.append(caller.resource_id)
        raise KeyboardInterrupt  # as good as a killed process: nothing handles it, but the store is cut off too

    shop.on_order = die
    save = cut_off(shop)
    with pytest.raises(KeyboardInterrupt):
        order(shop)
    save()
    shop.on_order = lambda caller: ids.append(caller.resource_id)
    shop.clock.advance(timedelta(seconds=59))
    early = order(shop)
    assert (told(early), early.headers["Retry-After"]) == ((409, "/problems/in-progress"), "1")
    shop.clock.advance(timedelta(seconds=1))
    assert order(shop).status_code == 201
    assert len(ids) == 2
    assert len(set(ids)) == 1


def cut_off(shop: Shop) -> Callable[[], None]:
    """From the next order on the database refuses to write, until what is returned is called."""
    die = shop.on_order

    def cut_and_die(caller: Caller) -> None:
        shop.store.close()
        (shop.folder / "shop.db").rename(shop.folder / "away")
        (shop.folder / "shop.db").mkdir()
        die(caller)

    def mend() -> None:
        shop.store.close()
        (shop.folder / "shop.db").rmdir()
        (shop.folder / "away").rename(shop.folder / "shop.db")

    shop.on_order = cut_and_die
    return mend


@pytest.mark.parametrize("error", [Unavailable("no database"), ZeroDivisionError("a bug")])
def test_a_failure_is_not_kept_and_the_repetition_makes_the_same_thing(shop: Shop, error: Exception) -> None:
    ids: list[str] = []

    def fail_once(caller: Caller) -> None:
        ids.append(caller.resource_id)
        if len(ids) == 1:
            raise error

    shop.on_order = fail_once
    assert order(shop).status_code >= 500
    again = order(shop)
    assert again.status_code == 201
    assert "Idempotency-Replayed" not in again.headers
    assert ids == [again.get_json()["order_id"]] * 2


def test_a_failed_request_keeps_its_key_from_other_bodies(shop: Shop) -> None:
    def fail(_caller: Caller) -> None:
        raise Unavailable("no database")

    shop.on_order = fail
    order(shop)
    assert told(order(shop, MILK)) == (422, "/problems/key-reused")


def test_a_refused_request_frees_its_key_for_the_corrected_one(shop: Shop) -> None:
    def refuse(_caller: Caller) -> None:
        raise conflict("sold out")

    assert order(shop, '{"lines":0}').status_code == 422
    shop.on_order = refuse
    assert order(shop).status_code == 409
    shop.on_order = lambda _caller: None
    assert order(shop, MILK).status_code == 201


def test_a_slow_request_does_not_overwrite_the_answer_of_the_one_that_took_over(shop: Shop) -> None:
    def overtaken(_caller: Caller) -> None:
        shop.on_order = lambda _caller: None
        shop.clock.advance(timedelta(seconds=61))
        answers.append(order(shop))
        shop.clock.advance(timedelta(seconds=1))

    answers: list[TestResponse] = []
    shop.on_order = overtaken
    slow = order(shop)
    fast = answers[0]
    assert slow.get_json()["order_id"] == fast.get_json()["order_id"]
    assert order(shop).text == fast.text


def test_after_a_day_the_key_is_free(shop: Shop) -> None:
    order(shop)
    shop.clock.advance(timedelta(hours=24, seconds=1))
    answer = order(shop, MILK)
    assert answer.status_code == 201
    assert "Idempotency-Replayed" not in answer.headers


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["k1", "k2"]),
        st.sampled_from([TEA, MILK]),
        st.sampled_from(["answers", "fails", "refuses"]),
        st.sampled_from([0, 30, 61, 86_401]),
    ),
    max_size=12,
)


@settings(max_examples=40, deadline=None)
@given(STEPS)
def test_any_order_of_requests_is_answered_as_a_table_of_keys_would(steps: list[tuple[str, str, str, int]]) -> None:
    """The oracle: per key the body it is bound to, the answer if there is one, and when it is forgotten."""
    bound: dict[str, tuple[str, str | None, int]] = {}
    now = 0
    with TemporaryDirectory() as folder:
        shop = Shop(Path(folder))
        for key, body, outcome, later in steps:
            shop.on_order = _outcome(outcome)
            answer = order(shop, body, key)
            known = bound.get(key)
            if known is not None and now >= known[2]:
                known = None
            if known is not None and known[0] != body:
                assert told(answer) == (422, "/problems/key-reused")
            elif known is not None and known[1] is not None:
                assert answer.text == known[1]
                assert answer.headers["Idempotency-Replayed"] == "true"
            else:
                forgotten = known[2] if known is not None else now + 86_400
                expected = {"answers": 201, "fails": 503, "refuses": 409}[outcome]
                assert answer.status_code == expected
                bound[key] = (body, answer.text if outcome == "answers" else None, forgotten)
                if outcome == "refuses":
                    del bound[key]
            shop.clock.advance(timedelta(seconds=later))
            now += later
        shop.store.close()


def _outcome(outcome: str) -> Callable[[Caller], None]:
    def happen(_caller: Caller) -> None:
        match outcome:
            case "fails":
                raise Unavailable("no database")
            case "refuses":
                raise conflict("sold out")

    return happen
