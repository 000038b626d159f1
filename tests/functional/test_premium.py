"""The ancestor's scenario on a real server: the premium of a driver, by JSON and by XML, and the audit of it."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from xml.etree.ElementTree import fromstring

import pytest

from tests.functional.client import Reply, Running

EVALUATIONS = "/v1/rulesets/premium/evaluations"


def facts(age: str = "18") -> dict[str, object]:
    return {
        "driver": {"age": age, "name": "Brian"},
        "car": {"make": "honda", "model": "civic", "year": "2015", "style": "SPORTS", "color": "RED"},
        "policy": {"id": "1231231", "premium": "300"},
    }


def request(age: str = "18", request_id: str = "REQ-99999") -> dict[str, object]:
    return {"context": {"request_id": request_id, "timestamp": "2021-03-17 03:31:51:40"}, "request": facts(age)}


def insurance_request(age: str = "18") -> str:
    return f"""<?xml version="1.0"?>
        <InsuranceRequest>
          <driver><age>{age}</age><name>Brian</name></driver>
          <car><make>honda</make><model>civic</model><year>2015</year><style>SPORTS</style><color>RED</color></car>
          <policy><id>1231231</id><premium>300</premium></policy>
        </InsuranceRequest>"""


def entries(server: Running, request_id: str) -> list[dict[str, object]]:
    found = server.client.get(f"/v1/audit?request_id={request_id}").json()["items"]
    assert isinstance(found, list)
    return found


@pytest.mark.parametrize(
    ("age", "premium", "fired"),
    [("18", "360.00", ["High Risk"]), ("22", "330.00", ["Med Risk"]), ("21", "300.00", [])],
)
def test_the_premium_follows_the_drivers_age(server: Running, age: str, premium: str, fired: list[str]) -> None:
    answer = server.client.post(EVALUATIONS, request(age))
    assert answer.status == 200
    document = answer.json()
    assert document["fired"] == fired
    assert document["outcomes"] == []
    expected = facts(age)
    expected["driver"] = {"age": int(age), "name": "Brian"}
    expected["policy"] = {"id": "1231231", "premium": premium}
    assert document["result"] == expected
    ruleset = document["ruleset"]
    assert isinstance(ruleset, dict)
    assert (ruleset["name"], len(ruleset["sha256"])) == ("premium", 64)


def test_a_request_leaves_two_entries_with_what_came_and_what_was_answered(server: Running) -> None:
    sent = '{ "context": {"request_id": "REQ-two", "timestamp": "2021-03-17 03:31:51:40"}, "request": %s}'
    body = sent % '{"driver":{"age":"18"},"car":{"style":"SPORTS","color":"RED"},"policy":{"id":"å","premium":"300"}}'
    answer = server.client.call("POST", EVALUATIONS, body=body, headers={"Content-Type": "application/json"})
    assert answer.status == 200
    assert answer.headers["X-Request-Id"] == "REQ-two"
    asked, answered = entries(server, "REQ-two")
    assert (asked["entry_type"], answered["entry_type"]) == ("request", "response")
    assert (asked["raw_data"], answered["raw_data"]) == (body, answer.text)
    assert str(asked["time_stamp"]) <= str(answered["time_stamp"])
    assert str(asked["time_stamp"]).endswith("Z")
    assert {asked["app"], answered["app"]} == {"development"}
    read = server.client.get(f"/v1/audit/{answered['audit_id']}")
    assert read.json() == answered


def test_the_context_may_be_left_out_and_the_header_names_the_request(server: Running) -> None:
    answer = server.client.post(EVALUATIONS, {"request": facts()}, {"X-Request-Id": "by-header"})
    assert answer.json()["request_id"] == "by-header"
    assert len(entries(server, "by-header")) == 2
    made_here = server.client.post(EVALUATIONS, {"request": facts()}).json()["request_id"]
    assert len(entries(server, str(made_here))) == 2


def test_execute_rule_set_answers_the_policy_alone_with_a_number(server: Running) -> None:
    answer = server.client.post("/ExecuteRuleSet", request())
    assert (answer.status, answer.text) == (200, '{"id":"1231231","premium":360.0}')


def test_policy_premium_takes_the_bare_request(server: Running) -> None:
    answer = server.client.post("/policy/premium", facts("22"))
    assert answer.json() == {"id": "1231231", "premium": Decimal("330.0")}


XML_TYPES = ["application/xml", "text/xml; charset=utf-8"]


@pytest.mark.parametrize("path", ["/policy/premium", "/ExecuteRuleSet"])
@pytest.mark.parametrize("media_type", XML_TYPES)
def test_xml_is_answered_in_xml(server: Running, path: str, media_type: str) -> None:
    answer = xml(server, path, insurance_request(), {"Content-Type": media_type})
    assert answer.status == 200
    assert answer.headers["Content-Type"].startswith(media_type.split(";", maxsplit=1)[0])
    policy = fromstring(answer.text)
    assert (policy.tag, policy.findtext("id"), policy.findtext("premium")) == ("policy", "1231231", "360.0")


def test_xml_may_bring_its_context(server: Running) -> None:
    inner = insurance_request("22").partition("?>")[2].replace("InsuranceRequest", "request")
    body = f"<ExecuteRuleSet><context><request_id>REQ-xml</request_id></context>{inner}</ExecuteRuleSet>"
    answer = xml(server, "/ExecuteRuleSet", body, {"Content-Type": "application/xml"})
    assert fromstring(answer.text).findtext("premium") == "330.0"
    asked, answered = entries(server, "REQ-xml")
    assert '"age":"22"' in str(asked["raw_data"])
    assert answered["raw_data"] == '{"id":"1231231","premium":330.0}'


@pytest.mark.parametrize(
    ("content_type", "accept", "answered"),
    [
        ("application/json", "application/xml", "application/xml"),
        ("application/xml", "application/json", "application/json"),
        ("application/xml", "*/*", "application/xml"),
        ("application/json", "text/html, */*;q=0.1", "application/json"),
    ],
)
def test_accept_decides_in_which_form_it_is_answered(
    server: Running, content_type: str, accept: str, answered: str
) -> None:
    headers = {"Content-Type": content_type, "Accept": accept}
    body = (
        insurance_request()
        if content_type.endswith("xml")
        else '{"driver":{"age":18},"car":{"style":"S","color":"R"},"policy":{"id":"p","premium":1}}'
    )
    answer = xml(server, "/policy/premium", body, headers)
    assert (answer.status, answer.headers["Content-Type"].partition(";")[0]) == (200, answered)


@pytest.mark.parametrize(
    "body",
    [
        "<InsuranceRequest><driver>",
        '<!DOCTYPE r [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><InsuranceRequest><driver>&b;</driver></InsuranceRequest>',
        '<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]><r><driver>&x;</driver></r>',
    ],
    ids=["unclosed", "bomb", "external"],
)
def test_xml_that_cannot_be_read_is_a_400_that_says_so(server: Running, body: str) -> None:
    answer = xml(server, "/policy/premium", body, {"Content-Type": "application/xml"})
    assert answer.status == 400
    assert answer.json()["type"] == "/problems/malformed-xml"
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_bad_facts_in_xml_are_named_by_path(server: Running) -> None:
    body = insurance_request("young").replace("<id>1231231</id>", "<id/>")
    answer = xml(server, "/policy/premium", body, {"Content-Type": "application/xml"})
    assert answer.status == 422
    assert paths(answer) == ["driver.age", "policy.id"]


def xml(server: Running, path: str, body: str, headers: Mapping[str, str]) -> Reply:
    return server.client.call("POST", path, body=body, headers=headers)


def paths(answer: Reply) -> list[str]:
    errors = answer.json()["errors"]
    assert isinstance(errors, list)
    return [error["path"] for error in errors]
