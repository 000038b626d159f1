"""What is documented is what there is."""

import re
from collections.abc import Mapping
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, TypeGuard

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from service.config import Settings
from service.core import exact_json
from service.http import ProblemType
from service.http.endpoint import Endpoint
from service.wiring.app import create_app
from tests.unit.http_app import Shop

ERRORS = Path(__file__).parents[2] / "docs" / "errors.md"


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


def test_every_problem_is_in_the_documentation_word_for_word() -> None:
    rows = [line for line in ERRORS.read_text().splitlines() if re.match(r"\| \d", line)]
    assert rows == [f"| {one.status} | `{one.uri}` | {one.title} | {one.advice} |" for one in ProblemType]


@pytest.mark.parametrize("one", ProblemType, ids=lambda one: one.slug)
def test_a_problems_type_is_a_page_that_says_what_to_do(shop: Shop, one: ProblemType) -> None:
    answer = shop.get(one.uri, key=None)
    assert answer.mimetype == "text/html"
    assert one.title.split("`")[0] in answer.text.replace("&#39;", "'")
    assert "`" not in answer.text.partition("<pre")[0]


def test_the_description_is_valid_openapi_and_says_what_is_enforced(shop: Shop) -> None:
    document = shop.get("/openapi.json", key=None).get_json()
    validate(document)
    order = document["paths"]["/v1/orders"]["post"]
    assert order["security"] == [{"key": ["notify"]}]
    assert set(order["requestBody"]["content"]) == {"application/json", "text/csv"}
    assert set(order["responses"]["201"]["content"]) == {"application/json", "application/xml"}
    assert {"400", "401", "403", "406", "409", "413", "415", "422", "500", "503"} <= set(order["responses"])
    assert "Idempotency-Key" in [one["name"] for one in order["parameters"]]
    read = document["paths"]["/v1/orders/{number}"]["get"]
    assert [one["name"] for one in read["parameters"]] == ["number", "limit"]
    assert "security" not in document["paths"]["/healthz"]["get"]


def test_the_whole_services_description_is_valid(tmp_path: Path) -> None:
    app = create_app(Settings(home=tmp_path))
    document = app.test_client().get("/openapi.json").get_json()
    validate(document)
    described = [call for calls in document["paths"].values() for call in calls.values()]
    assert len({call["operationId"] for call in described}) == len(described)
    assert all(re.fullmatch("[a-z0-9_]+", call["operationId"]) for call in described)
    assert [name for name in document["components"]["schemas"] if "__" in name] == []
    assert "*/*" not in {media_type for call in described for media_type in _contents(call)}
    assert {"incident_step", "notification_over", "event"} <= document["webhooks"].keys()
    assert app.test_client().get("/docs").status_code == 200


def test_every_call_has_examples_that_fit_their_schemas(tmp_path: Path) -> None:
    app = create_app(Settings(home=tmp_path))
    document = app.test_client().get("/openapi.json").get_json()
    calls = {**document["paths"], **document["webhooks"]}
    for path, call in [(path, call) for path, methods in calls.items() for call in methods.values()]:
        for media_type, content in _contents(call).items():
            schema = {**content["schema"], "components": document["components"]}
            for example in _examples(content):
                faults = [fault.message for fault in Draft202012Validator(schema).iter_errors(example)]
                assert faults == [], (path, media_type)


def test_examples_of_bodies_are_what_their_calls_read(tmp_path: Path) -> None:
    app = create_app(Settings(home=tmp_path))
    bodies = {one.operation.name: one.operation.formats[0] for one in app.view_functions.values() if _reads_json(one)}
    document = app.test_client().get("/openapi.json").get_json()
    for call in [call for methods in document["paths"].values() for call in methods.values()]:
        for example in _examples(call.get("requestBody", {}).get("content", {}).get("application/json", {})):
            assert bodies[call["operationId"]].read(exact_json.dumps(example).encode()) is not None, call["operationId"]


def _reads_json(view: object) -> TypeGuard[Endpoint]:
    return isinstance(view, Endpoint) and any(one.media_type == "application/json" for one in view.operation.formats)


def _examples(content: Mapping[str, Any]) -> list[object]:
    named = [each["value"] for each in content.get("examples", {}).values()]
    return [content["example"], *named] if "example" in content else named


def _contents(call: dict[str, Any]) -> dict[str, Any]:
    """The bodies that a call takes and answers when all is well."""
    answers = [answer for status, answer in call["responses"].items() if status < "4"]
    holders = [call.get("requestBody", {}), *answers]
    return {f"{media}": one for each in holders for media, one in each.get("content", {}).items() if "xml" not in media}


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.hrefs: set[str] = set()
        self.loaded: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.ids |= {given["id"]} if "id" in given else set()
        self.hrefs |= {given["href"]} if tag == "a" else set()
        self.loaded |= {tag} if tag in {"script", "link", "img", "iframe"} else set()


def test_the_page_shows_every_call_and_every_link_on_it_leads_somewhere(shop: Shop) -> None:
    answer = shop.get("/docs", key=None)
    page = _Links()
    page.feed(answer.text)
    for href in page.hrefs:
        assert href[1:] in page.ids if href.startswith("#") else shop.get(href, key=None).status_code == 200, href
    assert "/v1/orders/{number}" in answer.text
    assert "The key lacks a scope" in answer.text
    assert 'curl "$TOCSIN/v1/orders/$NUMBER"' in unescape(answer.text)
    assert page.loaded == set()
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


def test_what_an_app_calls_first_comes_first_with_a_command_and_an_answer(tmp_path: Path) -> None:
    text = unescape(create_app(Settings(home=tmp_path)).test_client().get("/docs").text)
    heads = re.findall(r"<h2>(\w[\w -]+)</h2>", text.partition("<main>")[2])
    assert heads[:3] == ["Evaluations", "Notifications", "Incidents"]
    calls = re.findall(r'<pre tabindex="0" aria-label="The command">(curl .+?)</pre>', text, re.DOTALL)
    assert len(calls) == text.count('<p class="call">') > 100
    (evaluate,) = [call for call in calls if call.startswith('curl -X POST "$TOCSIN/v1/rulesets/$NAME/evaluations"')]
    assert calls[0] == evaluate
    assert text.count("The key lacks a scope") == 1, "what any call may refuse is said once"
    assert '"style": "SPORTS"' in evaluate
    assert '"evaluation_id"' in text
