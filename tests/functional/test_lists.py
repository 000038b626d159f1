"""Every list of the API takes back its own cursors and refuses all others, with a sentence on `cursor`."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote, urlencode

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.cli import main
from service.core.enums import Lane
from service.rulesets.library import Library, RulesetDraft
from service.storage import Item
from service.work.dead import mark_dead
from tests.earlier.installation import Installation, opened
from tests.functional.backends import Backend

TEXTS = {
    "/v1/policies/premium": "escalation: premium\nlevels:\n  - {contacts: [1], channels: [sms], wait: 40s}\n",
    "/v1/templates/premium": "template: premium\nfiles:\n  sms.txt: The menu is out.\n",
    "/v1/catalogues/it": (
        'msgid ""\nmsgstr ""\n"Language: it\\n"\n\nmsgid "Lunch is ready."\nmsgstr "Il pranzo è pronto."\n'
    ),
}
"""What is published in versions beside rulesets; each is published twice."""

JUNK = (
    "x",
    "garbage",
    "====",
    "\0",
    "é",
    "AAAA",
    "MTIz",
    "0",
    "1",
    "-1",
    "9" * 2_000,
    base64.urlsafe_b64encode(b"recipient-emp7").decode(),
    base64.urlsafe_b64encode(b"2026-05-10T12:00:00.000000Z#e").decode(),
    base64.urlsafe_b64encode(b"\xff" * 30).decode(),
)


@pytest.fixture(params=list(Backend))
def here(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Installation]:
    """An installation that holds something of everything."""
    if request.param is Backend.AWS:
        request.getfixturevalue("aws")
    with opened(request.param, tmp_path) as installation:
        installation.api.client.post("/v1/rulesets/premium/backtests", {"version": 1})
        for phone in ("+447700900801", "+447700900802"):
            installation.room.says(phone, "STOP")
        for _ in range(2):
            installation.desk.sends(text="The canteen opens at nine.", recipients=["john"])
        for audience in ("day", "night"):
            profile = {"user_id": f"of-{audience}", "language": "en", "preference": "email", "email": "a@example.com"}
            installation.api.client.post(f"/v1/audiences/{audience}/recipients", {"recipients": [profile]})
        for name in ("dead-1", "dead-2"):
            dead = mark_dead(
                Item(name, "callback", {}, lane=Lane.BULK), "connection refused", installation.api.clock.now()
            )
            installation.api.service.store.add(dead)
        for path, text in TEXTS.items():
            publish_twice(installation, path, text)
        propose_twice(installation)
        installation.passes(timedelta(seconds=20))
        yield installation


def propose_twice(here: Installation) -> None:
    library = Library(here.api.service.store, here.api.clock, needs_approval=True)
    for number in range(2):
        library.publish(RulesetDraft("premium", f"# proposed, {number}", "Ann"))


def publish_twice(here: Installation, path: str, text: str) -> None:
    sha256 = ""
    for source in (text, f"# again\n{text}"):
        headers = {"Content-Type": "application/octet-stream"} | ({"If-Match": f'"{sha256}"'} if sha256 else {})
        reply = here.api.client.call("POST", f"{path}/versions", body=source.encode(), headers=headers)
        assert reply.status == 201, reply.text
        sha256 = str(reply.json()["sha256"])


def lists(here: Installation) -> list[str]:
    """The path of every list that the API describes, of something that is there."""
    document = here.api.client.get("/openapi.json").json()
    paths = document["paths"]
    assert isinstance(paths, dict)
    named = [path for path, calls in paths.items() if "get" in calls and "cursor" in _parameters(calls["get"])]
    assert len(named) >= 11
    return [_filled(here, path) for path in named]


def _parameters(call: Mapping[str, object]) -> set[str]:
    parameters = call.get("parameters", [])
    assert isinstance(parameters, list)
    return {one["name"] for one in parameters}


def _filled(here: Installation, path: str) -> str:
    places = {
        "{name}": "premium",
        "{audience}": "everybody",
        "{incident_id}": "escalated",
        "{recipient_id}": "john",
        "{notification_id}": here.named("sent")["untranslated"],
    }
    path = path.replace("/catalogues/{name}", "/catalogues/it")
    for place, value in places.items():
        path = path.replace(place, value)
    assert "{" not in path, f"{path}: say what stands there"
    return path


def refused_at(here: Installation, path: str, cursor: str, **filters: str) -> str | None:
    """The place that the answer names, after a 422; None for a page."""
    reply = here.api.client.get(f"{path}?{urlencode({'cursor': cursor, **filters})}")
    if reply.status == 200:
        return None
    assert reply.status == 422, f"{path} with {cursor!r}: {reply.status} {reply.text}"
    errors = reply.json()["errors"]
    assert isinstance(errors, list)
    return str(errors[0]["path"])


def test_a_cursor_that_is_not_ours_is_refused_by_every_list(
    here: Installation, caplog: pytest.LogCaptureFixture
) -> None:
    for path in lists(here):
        assert {cursor: refused_at(here, path, cursor) for cursor in JUNK} == dict.fromkeys(JUNK, "cursor"), path
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


def test_a_cursor_of_another_list_is_refused_and_its_own_goes_on(here: Installation) -> None:
    first = {path: here.api.client.get(f"{path}?limit=1").json() for path in lists(here)}
    cursors = {path: str(page["next_cursor"]) for path, page in first.items()}
    assert "None" not in cursors.values(), "each list holds at least two"
    assert len(set(cursors.values())) == len(cursors)
    for path, own in cursors.items():
        taken = {other for other, cursor in cursors.items() if refused_at(here, path, cursor) is None}
        assert taken == {path}
        rest = here.api.client.get(f"{path}?limit=1&cursor={own}").json()
        assert rest["items"] != first[path]["items"]


def test_a_cursor_of_the_same_list_with_other_filters_is_refused(here: Installation) -> None:
    get = here.api.client.get
    of_open = str(get("/v1/incidents?state=open&limit=1").json()["next_cursor"])
    assert refused_at(here, "/v1/incidents", of_open, state="acknowledged") == "cursor"
    assert refused_at(here, "/v1/incidents", of_open) == "cursor"
    assert refused_at(here, "/v1/incidents", of_open, state="open", limit="7") is None
    of_a_request = str(get("/v1/audit?ruleset=premium&limit=1").json()["next_cursor"])
    assert refused_at(here, "/v1/audit", of_a_request) == "cursor"
    assert refused_at(here, "/v1/audit", of_a_request, ruleset="premium") is None


def test_a_true_cursor_with_something_changed_is_refused(here: Installation) -> None:
    for path in lists(here):
        cursor = str(here.api.client.get(f"{path}?limit=1").json()["next_cursor"])
        assert refused_at(here, path, cursor) is None
        for at in {*range(0, len(cursor), 5), len(cursor) - 1}:
            for letter in "AB" if at < len(cursor) - 1 else "ABCDEFGHQRSTghwx0189-_":
                changed = cursor[:at] + letter + cursor[at + 1 :]
                assert changed == cursor or refused_at(here, path, changed) == "cursor"
        for shorter in (*(cursor[:-end] for end in range(1, 9)), cursor[1:]):
            assert refused_at(here, path, shorter) == "cursor"
        for longer in ("A", "=", "==", "A==", "AAAA"):
            assert refused_at(here, path, cursor + longer) == "cursor"
        for content in (b"YWFh" * 350, b""):
            forged = base64.urlsafe_b64encode(base64.urlsafe_b64decode(cursor + "==")[:12] + content).decode()
            assert refused_at(here, path, forged) == "cursor"


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    with opened(Backend.EMBEDDED, tmp_path_factory.mktemp("home")) as installation:
        yield installation


@settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data(), cursor=st.one_of(st.text(max_size=80), st.from_regex(r"\A[A-Za-z0-9_-]{1,200}\Z")))
def test_any_text_is_refused(embedded: Installation, data: st.DataObject, cursor: str) -> None:
    path = data.draw(st.sampled_from(lists(embedded)))
    encoded = quote(cursor.encode("utf-8", "surrogatepass"))
    reply = embedded.api.client.get(f"{path}?cursor={encoded}")
    assert reply.status == 422


def test_the_shell_takes_the_cursors_of_its_list_alone(embedded: Installation) -> None:
    home = embedded.api.service.settings.home
    settings = {"TOCSIN_HOME": str(home), "TOCSIN_RULES_DIR": str(home / "rules")}

    def search(*options: str) -> tuple[int, dict[str, object], str]:
        run = CliRunner().invoke(main, ["audit", "search", "--json", "--limit", "3", *options], env=settings)
        return run.exit_code, json.loads(run.stdout) if run.exit_code == 0 else {}, run.output

    _, first, _ = search("--ruleset", "premium", "--from", "2026-05-10T00:00:00Z")
    cursor = str(first["next_cursor"])
    code, rest, _ = search("--ruleset", "premium", "--from", "2026-05-10T00:00:00Z", "--cursor", cursor)
    assert (code, rest["items"] != first["items"]) == (0, True)
    by_http = embedded.api.client.get(f"/v1/audit?ruleset=premium&from=2026-05-10T00:00:00Z&cursor={cursor}&limit=3")
    assert by_http.json() == rest, "the shell's list is the API's"
    for other in ("x", cursor):
        code, _, said = search("--cursor", other)
        assert (code, "repeat the call without it" in said, "Traceback" in said) == (1, True, False)


@pytest.mark.parametrize(
    ("time", "status"),
    [
        ("0001-01-01T00:00:00Z", 200),
        ("1565-04-06T09:59:30Z", 200),
        ("1969-12-31T23:59:59.999Z", 200),
        ("9999-12-31T23:59:59Z", 200),
        ("9999-12-31T23:59:59-23:59", 422),
        ("0001-01-01T00:00:00+23:59", 422),
    ],
)
def test_every_list_of_a_span_of_time_answers_for_any_time_there_is(here: Installation, time: str, status: int) -> None:
    paths = here.api.client.get("/openapi.json").json()["paths"]
    assert isinstance(paths, dict)
    spans = [path for path, calls in paths.items() if "get" in calls and "from" in _parameters(calls["get"])]
    assert len(spans) >= 3
    for path in spans:
        for end in ("from", "to"):
            reply = here.api.client.get(f"{path}?{urlencode({end: time})}")
            assert reply.status == status, f"{path} {end}={time}: {reply.status} {reply.text}"


def test_what_is_planned_for_the_end_of_the_calendar_is_refused_at_the_door(here: Installation) -> None:
    late, client = "9999-12-31T00:00:00Z", here.api.client
    to = [{"phone": "+447700900123"}]
    letter = {"text": "Hello there", "recipients": [{**to[0], "language": "en"}], "send_at": late}
    incident = {"description": "Pump 1", "contacts": to, "open_at": late}
    for path, body in (("/v1/notifications", letter), ("/v1/incidents", incident)):
        assert "before the year 9000" in client.post(path, body).text, path
