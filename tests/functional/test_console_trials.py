"""Versions compared, tried on the past and beside the one that decides; schedules."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from tests.functional.client import ROOT as REPOSITORY
from tests.functional.conftest import Api
from tests.functional.evaluating import PREMIUM, put
from tests.functional.test_console import signed_in, submit
from tests.functional.test_console_sending import works

REPEATED_ON_AWS = False

SOURCE = (REPOSITORY / "rules" / "premium.yaml").read_text()
DEARER = SOURCE.replace("by: 20%", "by: 22%").replace("360.00", "366.00")
RED = {"driver": {"age": 18}, "car": {"style": "SPORTS", "color": "RED"}, "policy": {"id": "1", "premium": "300"}}


@pytest.fixture
def versions(api: Api) -> Api:
    put(api, SOURCE)
    api.client.post(PREMIUM, {"context": {"request_id": "REQ-9"}, "request": RED})
    put(api, DEARER)
    api.clock.advance(timedelta(seconds=1))
    return api


def test_two_versions_are_compared_by_what_requests_get_and_line_by_line(versions: Api) -> None:
    found = versions.client.get("/v1/rulesets/premium/versions/2/diff").json()
    assert (found["old"], found["new"]) == (1, 2)
    assert "+" in str(found["lines"])
    back = versions.client.get("/v1/rulesets/premium/versions/1/diff?against=2").json()
    assert (back["old"], back["new"]) == (2, 1)
    assert versions.client.get("/v1/rulesets/premium/versions/1/diff").json()["lines"] == ""
    assert versions.client.get("/v1/rulesets/premium/versions/3/diff").status == 404
    tab = signed_in(versions)
    assert "/console/rules/premium/diff?to=2" in tab.get("/console/rules/premium/versions").text
    page = tab.get("/console/rules/premium/diff?to=2").text
    assert "<ins>High Risk: increase policy.premium by 22%</ins>" in page
    assert "<del>-" in page


def test_the_past_is_decided_again_by_another_version(versions: Api) -> None:
    tab = signed_in(versions)
    page = tab.get("/console/rules/premium/trials").text
    (once,) = re.findall(r'name="once" value="([^"]+)"', page)
    begun = submit(tab, "/console/rules/premium/backtests", {"version": "1", "once": once})
    assert begun.status_code == 303, begun.text
    assert submit(tab, "/console/rules/premium/backtests", {"version": "1", "once": once}).location == begun.location
    assert "data-hx-get" in tab.get(begun.location).text
    works(versions)
    done = tab.get(begun.location).text
    assert "REQ-9" in done
    assert "data-hx-get" not in done
    assert "→ 1" in tab.get("/console/rules/premium/trials").text


def test_a_version_is_asked_beside_the_one_that_decides(versions: Api) -> None:
    tab = signed_in(versions)
    cast = submit(tab, "/console/rules/premium/shadow", {"version": "1", "share": "10"})
    assert cast.status_code == 303, cast.text
    assert "is asked on 10 of 100 requests" in tab.get("/console/rules/premium/trials").text
    assert submit(tab, "/console/rules/premium/shadow/drop", {}).status_code == 303
    assert "is asked on" not in tab.get("/console/rules/premium/trials").text


def test_events_are_tested_one_a_line_and_what_is_wrong_is_said(versions: Api) -> None:
    tab, path = signed_in(versions), "/console/rules/premium/events"
    young, wrong = (
        '{"driver": {"age": 18}, "car": {"style": "SPORTS", "color": "RED"}, "policy": {"id": "1", "premium": 300}}',
        "{}",
    )
    page = submit(tab, path, {"events": f"{young}\n{wrong}", "version": "1"})
    assert page.status_code == 200, page.text
    assert "1 matched, 0 did not, 1 is wrong" in page.text
    assert "High Risk" in page.text
    assert submit(tab, path, {"events": "driver: 18"}).status_code == 422
    assert "Tested lately" in tab.get(path).text


def test_a_message_goes_by_the_clock_until_its_schedule_is_ended(api: Api) -> None:
    tab = signed_in(api)
    profile = {"language": "en", "preference": "email", "email": "a@example.com", "audience": "staff"}
    assert api.client.call("PUT", "/v1/recipients/emp1", json=profile).status == 201
    form = {"audience": "staff", "text": "Take your pills.", "cron": "0 8 * * 1-5", "timezone": "Europe/Berlin"}
    refused = submit(tab, "/console/schedules", {**form, "cron": "0 25 * * *"})
    assert (refused.status_code, 'aria-describedby="error-cron"' in refused.text) == (422, True), refused.text
    assert submit(tab, "/console/schedules", form).status_code == 303
    page = tab.get("/console/schedules").text
    assert "Take your pills." in page
    (one,) = re.findall(r'href="(/console/schedules/[^"]+)"', page)
    shown = tab.get(one).text
    assert shown.count("<li><time") == 5, "the next five runs"
    wrong = submit(tab, f"{one}/change", {**form, "cron": "0 25 * * *"})
    assert (wrong.status_code, 'aria-describedby="error-cron"' in wrong.text) == (422, True)
    assert submit(tab, f"{one}/change", {**form, "cron": "30 7 * * *", "text": "Now at half past."}).status_code == 303
    assert submit(tab, f"{one}/run", {}).status_code == 303
    assert submit(tab, f"{one}/pause", {}).status_code == 303
    changed = tab.get(one).text
    assert "Nothing while it is paused" in changed
    assert "see what became of it" in changed
    assert submit(tab, f"{one}/resume", {}).status_code == 303
    page = tab.get("/console/schedules").text
    assert "Now at half past." in page
    end = f"{one}/end"
    assert "30 7 * * *" in tab.get(end).text
    assert submit(tab, end, {}).status_code == 303
    assert "Nothing goes by the clock" in tab.get("/console/schedules").text
