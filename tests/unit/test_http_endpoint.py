import io
import json
import logging
import re
import time
from collections.abc import Mapping
from pathlib import Path

import pytest
from flask import Blueprint, request
from werkzeug.test import TestResponse

from service.core import deadline, logs
from service.core.enums import Scope
from service.http import endpoint
from service.http.endpoint import MisdeclaredEndpoint
from tests.unit.http_app import Shop

SECRET = "+447700900123"


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


def problem(answer: TestResponse, status: int, slug: str) -> Mapping[str, object]:
    assert answer.status_code == status, answer.text
    assert answer.mimetype == "application/problem+json"
    document: dict[str, object] = json.loads(answer.text)
    assert (document["type"], document["status"]) == (f"/problems/{slug}", status)
    assert document["title"]
    assert document["detail"]
    assert answer.headers["X-Request-Id"]
    return document


def test_a_request_that_fits_is_answered_with_exact_decimals(shop: Shop) -> None:
    answer = shop.post('{"lines":[{"name":"tea","count":2}],"price":1234567890123456.70}')
    assert answer.status_code == 201
    assert answer.mimetype == "application/json"
    document = answer.get_json()
    assert document["price"] == "1234567890123456.70"
    assert document["app"] == "shop"
    assert answer.headers["Location"] == f"/v1/orders/{document['order_id']}"


def test_a_document_answers_decimals_as_numbers(shop: Shop) -> None:
    assert shop.get("/v1/orders/7?limit=3").text == '{"number":7,"limit":3,"price":360.00}'


@pytest.mark.parametrize(
    "body", ['{"lines":', '{"lines":[],"lines":[]}', '{"price":NaN}', b"\xff\xfe", "", "[" * 200 + "]" * 200]
)
def test_what_is_not_json_is_400(shop: Shop, body: str | bytes) -> None:
    problem(shop.post(body), 400, "malformed-json")


def test_every_place_that_does_not_fit_is_named_at_once(shop: Shop) -> None:
    body = '{"lines":[{"name":"tea","count":"2"},{"name":3}],"lane":"slow","send_at":1715342400,"extra":true}'
    document = problem(shop.post(body), 422, "invalid")
    errors = document["errors"]
    assert isinstance(errors, list)
    paths = [error["path"] for error in errors]
    assert sorted(paths) == ["extra", "lane", "lines[0].count", "lines[1].count", "lines[1].name", "send_at"]


def test_a_refused_value_is_not_repeated(shop: Shop) -> None:
    assert SECRET not in shop.post(json.dumps({"lines": SECRET, "send_at": SECRET, "lane": SECRET})).text


def test_a_time_without_a_zone_is_refused_and_one_with_a_zone_taken(shop: Shop) -> None:
    problem(shop.post('{"lines":[],"send_at":"2026-05-10T09:00:00"}'), 422, "invalid")
    assert shop.post('{"lines":[],"send_at":"2026-05-10T09:00:00+02:00"}').status_code == 201


@pytest.mark.parametrize(("path", "place"), [("/v1/orders/7?limit=x", "limit"), ("/v1/orders/7?limt=3", "limt")])
def test_a_query_parameter_that_does_not_fit_or_is_unknown_is_422(shop: Shop, path: str, place: str) -> None:
    errors = problem(shop.get(path), 422, "invalid")["errors"]
    assert isinstance(errors, list)
    assert [error["path"] for error in errors] == [place]


@pytest.mark.parametrize("content_type", [None, "text/plain", "application/x-www-form-urlencoded"])
def test_another_media_type_is_415_and_the_right_ones_are_named(shop: Shop, content_type: str | None) -> None:
    answer = shop.post(content_type=content_type)
    problem(answer, 415, "unsupported-media-type")
    assert answer.headers["Accept"] == "application/json, text/csv"


@pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", "APPLICATION/JSON", "application/x+json"])
def test_json_goes_by_several_names(shop: Shop, content_type: str) -> None:
    assert shop.post(content_type=content_type).status_code == 201


def test_a_second_format_is_read_by_its_own_reader(shop: Shop) -> None:
    assert shop.post("tea", "text/csv").status_code == 201


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        (None, "application/json"),
        ("*/*", "application/json"),
        ("application/xml", "application/xml"),
        ("application/json;q=0.1, application/xml", "application/xml"),
        ("application/xml;q=0.1, application/json", "application/json"),
    ],
)
def test_accept_chooses_how_an_answer_is_written(shop: Shop, accept: str | None, media_type: str) -> None:
    answer = shop.post(**({"Accept": accept} if accept else {}))
    assert answer.mimetype == media_type
    assert answer.text.startswith("<order>" if media_type == "application/xml" else "{")


def test_an_answer_that_cannot_be_written_as_asked_is_406_and_nothing_is_made(shop: Shop) -> None:
    problem(shop.post(Accept="image/png"), 406, "not-acceptable")
    assert shop.made == []


@pytest.mark.parametrize(
    "authorization",
    ["", "Bearer", "Bearer x", "Basic dXNlcjpwdw==", "Bearer tocsin_" + "0" * 26 + "_" + "a" * 43, "Bearer \xff"],
)
def test_without_a_valid_key_nothing_is_told_and_nothing_done(shop: Shop, authorization: str) -> None:
    answer = shop.post("{broken", key=None, Authorization=authorization)
    problem(answer, 401, "unauthenticated")
    assert answer.headers["WWW-Authenticate"].startswith('Bearer realm="tocsin"')


def test_the_right_key_with_another_secret_is_401(shop: Shop) -> None:
    forged = shop.key[:-1] + ("a" if shop.key[-1] != "a" else "b")
    problem(shop.post(key=forged), 401, "unauthenticated")


def test_a_key_without_the_scope_is_403_and_told_which_one_it_lacks(shop: Shop) -> None:
    document = problem(shop.post(key=shop.key_for("reader", [Scope.AUDIT])), 403, "missing-scope")
    assert "notify" in str(document["detail"])


def test_an_unknown_path_is_404_and_a_wrong_method_405_with_those_that_are_allowed(shop: Shop) -> None:
    problem(shop.get("/v2/orders"), 404, "not-found")
    problem(shop.get("/v1/orders/0"), 404, "not-found")
    problem(shop.get("//v1/orders/1"), 404, "not-found")
    answer = shop.get("/v1/orders")
    problem(answer, 405, "method-not-allowed")
    assert "POST" in answer.headers["Allow"]


def test_the_limit_is_in_bytes_and_exact(tmp_path: Path) -> None:
    shop = Shop(tmp_path, body_limit=1024)
    fits = '{"lines":[]}'.ljust(1024)
    assert shop.post(fits).status_code == 201
    problem(shop.post(fits + " "), 413, "too-large")


def test_a_body_of_unknown_length_is_limited_too(tmp_path: Path) -> None:
    shop = Shop(tmp_path, body_limit=1024)
    answer = shop.app.test_client().post(
        "/v1/orders",
        input_stream=io.BytesIO(b" " * 5000),
        headers={
            "Authorization": f"Bearer {shop.key}",
            "Content-Type": "application/json",
            "Transfer-Encoding": "chunked",
        },
        environ_overrides={"wsgi.input_terminated": True},
    )
    problem(answer, 413, "too-large")


def test_an_endpoint_may_have_a_limit_of_its_own(shop: Shop) -> None:
    answer = shop.app.test_client().put(
        "/v1/file", data="é" * 500_000, headers={"Authorization": f"Bearer {shop.key}", "If-Match": '"abc"'}
    )
    assert answer.get_json() == {"length": 500_000, "raw": 1_000_000, "if_match": '"abc"'}


def test_a_file_that_is_not_utf8_is_400(shop: Shop) -> None:
    answer = shop.app.test_client().put("/v1/file", data=b"\xff", headers={"Authorization": f"Bearer {shop.key}"})
    problem(answer, 400, "bad-request")


def test_a_body_may_be_left_out_where_the_view_says_so(shop: Shop) -> None:
    assert shop.post("", None, key=None, path="/v1/acknowledge").get_json() == {"named": False, "app": "anonymous"}
    given = shop.post('{"name":"tea","count":1}', key=None, path="/v1/acknowledge")
    assert given.get_json() == {"named": True, "app": "anonymous"}


def test_a_mistake_of_ours_is_500_without_a_stack_trace_and_logged_without_its_text(
    shop: Shop, capsys: pytest.CaptureFixture[str]
) -> None:
    before = list(logging.getLogger().handlers)
    logs.configure("INFO")
    try:
        answer = shop.get("/v1/bug", X_Request_Id="REQ-1")
    finally:
        logging.getLogger().handlers[:] = before
    problem(answer, 500, "internal-error")
    assert "Traceback" not in answer.text
    assert SECRET not in answer.text
    logged = json.loads(capsys.readouterr().err)
    assert logged["request_id"] == "REQ-1"
    assert "ZeroDivisionError" in logged["raised"]
    assert "http_app.py" in logged["raised"]
    assert SECRET not in json.dumps(logged)


def test_a_part_that_does_not_answer_is_503_with_retry_after_and_without_its_address(shop: Shop) -> None:
    answer = shop.get("/v1/unavailable")
    problem(answer, 503, "unavailable")
    assert int(answer.headers["Retry-After"]) > 0
    assert "/secret/place" not in answer.text


def test_a_change_that_came_second_is_409(shop: Shop) -> None:
    problem(shop.get("/v1/conflict"), 409, "conflict")


def test_the_request_id_is_the_callers_or_made_and_one_that_cannot_be_echoed_is_refused(shop: Shop) -> None:
    assert shop.get("/healthz", X_Request_Id="REQ-99999").headers["X-Request-Id"] == "REQ-99999"
    made = {shop.get("/healthz").headers["X-Request-Id"] for _ in range(3)}
    assert len(made) == 3
    for unreadable in ("", "two words", "x" * 129, "é"):
        problem(shop.get("/healthz", X_Request_Id=unreadable), 400, "bad-request")


def test_the_id_in_the_body_is_echoed_before_that_of_the_header(shop: Shop) -> None:
    answer = shop.post('{"lines":[],"request_id":"REQ-7"}', X_Request_Id="other")
    assert answer.headers["X-Request-Id"] == "REQ-7"


def test_health_needs_no_key_and_readiness_asks_the_store(shop: Shop) -> None:
    assert shop.get("/healthz", key=None).get_json() == {"status": "ok"}
    assert shop.get("/readyz", key=None).get_json() == {"status": "ready", "parts": {"store": "ok"}}
    shop.store.close()
    (shop.folder / "shop.db").write_bytes(b"this is no database " * 500)
    for name in ("shop.db-wal", "shop.db-shm"):
        (shop.folder / name).unlink(missing_ok=True)
    answer = shop.get("/readyz", key=None)
    assert (answer.status_code, answer.get_json()["parts"]) == (503, {"store": "not ready"})
    problem(shop.post(), 503, "unavailable")


def test_metrics_count_by_route_and_never_by_path(shop: Shop) -> None:
    for number in (1, 2, 3):
        shop.get(f"/v1/orders/{number}")
        shop.get(f"/nowhere/{number}")
    text = shop.get("/metrics", key=None).text
    assert 'tocsin_http_requests_total{method="GET",route="/v1/orders/<int:number>",status="200"}' in text
    assert 'route="none",status="404"' in text
    assert "/nowhere" not in text


def test_the_access_log_names_routes_and_never_what_stands_in_paths_and_queries(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    Shop(tmp_path, access_log=True).get("/v1/orders/447700900?limit=477")
    (line,) = [record for record in caplog.records if record.name.startswith("service.http")]
    assert line.getMessage().startswith("GET /v1/orders/<int:number> answered 200 in ")
    assert not {"447700900", "477"} & set(re.findall(r"\d+", repr(vars(line)["args"]) + line.getMessage()))
    caplog.clear()
    Shop(tmp_path / "quiet").get("/v1/orders/1")
    assert caplog.records == []


def test_a_view_that_does_not_take_what_its_path_gives_is_found_at_start() -> None:
    with pytest.raises(MisdeclaredEndpoint, match="ident"):

        @endpoint(Blueprint("x", "x"), "GET", "/v1/x/<ident>", summary="x", scope=None, answers={200: None})
        def read(other: str) -> str:
            return other


@pytest.mark.parametrize("media_type", ["application/x-www-form-urlencoded", "multipart/form-data; boundary=b"])
def test_the_form_of_a_page_has_a_limit(shop: Shop, media_type: str) -> None:
    shop.app.add_url_rule("/page", "page", lambda: str(len(request.form.get("x", ""))), methods=["POST"])

    def form(size: int) -> bytes:
        if media_type.startswith("multipart"):
            return b'--b\r\nContent-Disposition: form-data; name="x"\r\n\r\n' + b"y" * size + b"\r\n--b--\r\n"
        return b"x=" + b"y" * size

    assert shop.post(form(60_000), media_type, path="/page").text == "60000"
    problem(shop.post(form(70_000), media_type, path="/page"), 413, "too-large")
    problem(shop.post(form(9_000_000), media_type, path="/page"), 413, "too-large")


def test_a_body_that_is_read_slowly_leaves_the_call_its_time(shop: Shop) -> None:
    left = []
    shop.on_order = lambda _caller: left.append(deadline.left())
    answer = shop.app.test_client().post(
        "/v1/orders",
        input_stream=Slow(b'{"lines":[]}'),
        content_length=12,
        content_type="application/json",
        headers={"Authorization": f"Bearer {shop.key}"},
    )
    assert answer.status_code == 201
    assert left[0] is not None
    assert left[0] > 2.7


class Slow(io.BytesIO):
    """A body that takes half a second."""

    def read(self, size: int | None = -1) -> bytes:
        time.sleep(0.5)
        return super().read(size)
