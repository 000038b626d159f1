"""People and audiences: found, brought in from files, replaced and taken out again; over HTTP and from the shell."""

from __future__ import annotations

import io
import json
import threading
from pathlib import Path

import pytest
from click.testing import CliRunner
from openpyxl import Workbook

from service.cli import main
from service.core.clock import HandClock
from service.recipients.audiences import KEPT_FOR
from tests.functional.backends import Install
from tests.functional.client import Reply
from tests.functional.conftest import NOON, Api, api_of
from tests.functional.few_rules import few_rules
from tests.functional.test_notifications import JOHN, MARY, Desk

REPEATED_ON_AWS = False

HEADER = "user_id,first_name,email,phone,language,preference\n"
CSV = {"Content-Type": "text/csv"}


def csv(*names: str) -> str:
    return HEADER + "".join(f"{name},{name.title()},{name}@example.com,,en,email\n" for name in names)


def imports(api: Api, text: str | bytes, query: str = "", kind: str = "text/csv") -> Reply:
    return api.client.call("POST", f"/v1/recipients{query}", body=text, headers={"Content-Type": kind})


def replaces(api: Api, audience: str, text: str) -> Reply:
    return api.client.call("PUT", f"/v1/audiences/{audience}/recipients", body=text, headers=CSV)


def members(api: Api, audience: str) -> list[str]:
    reply = api.client.get(f"/v1/audiences/{audience}/recipients?limit=500")
    assert reply.status == 200, reply.text
    items = reply.json()["items"]
    assert isinstance(items, list)
    return [item["user_id"] for item in items]


def ids(reply: Reply) -> list[str]:
    assert reply.status == 200, reply.text
    items = reply.json()["items"]
    assert isinstance(items, list)
    return [item["user_id"] for item in items]


def test_recipients_are_listed_searched_and_paged(api: Api) -> None:
    names = [f"u{n:02d}" for n in range(23)]
    assert imports(api, csv(*names)).json()["stored"] == 23
    api.client.call("PUT", "/v1/recipients/mary", json={**MARY, "user_id": "mary"})
    found: list[str] = []
    cursor = ""
    while True:
        page = api.client.get(f"/v1/recipients?limit=5{cursor}")
        found += ids(page)
        if page.json()["next_cursor"] is None:
            break
        cursor = f"&cursor={page.json()['next_cursor']}"
    assert found == ["mary", *names]
    assert ids(api.client.get("/v1/recipients?search=U1")) == names[10:20]
    assert ids(api.client.get("/v1/recipients?search=MAR")) == ["mary"]
    assert ids(api.client.get("/v1/recipients?phone=%2B491713920012")) == ["mary"]
    assert ids(api.client.get("/v1/recipients?email=u07@example.com")) == ["u07"]
    assert api.client.call("DELETE", "/v1/recipients/u07").status == 204
    assert "u07" not in ids(api.client.get("/v1/recipients?limit=500"))


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("phone=07700900123", "phone the phone number has no country code: write it with + and the country code"),
        ("phone=1713920012", "write it with +"),
        ("phone=%2B4917", "has too few digits for its country: write all of it, for example +447700900123"),
        ("phone=%2B49", "write it with +"),
        ("phone=mary", "is not a phone number: write it with + and digits"),
        ("phone=", "is not a phone number"),
        ("email=mary", "write all of it, for example sam@example.com"),
        ("email=m@x.example&phone=7", "write it with +"),
        ("email=m@x.example&search=m", "search is not looked at beside"),
    ],
)
def test_what_can_be_no_phone_or_address_is_not_searched_for(query: str, said: str, api: Api) -> None:
    refused = api.client.get(f"/v1/recipients?{query}")
    assert refused.status == 422, refused.text
    assert said in refused.text


@pytest.mark.parametrize("written", ["%2B49%20171%20392-0012", "+491713920012", "491713920012", "00491713920012"])
def test_a_phone_is_found_however_it_is_written(written: str, api: Api) -> None:
    api.client.call("PUT", "/v1/recipients/mary", json={**MARY, "user_id": "mary"})
    assert ids(api.client.get(f"/v1/recipients?phone={written}")) == ["mary"]


def test_audiences_are_listed_read_left_and_deleted(api: Api) -> None:
    imports(api, csv("ann", "ben", "cleo"), "?audience=staff")
    imports(api, csv("ann"), "?audience=night")
    listed = api.client.get("/v1/audiences").json()["items"]
    assert isinstance(listed, list)
    assert [one["audience"] for one in listed] == ["night", "staff"]
    assert api.client.get("/v1/audiences/staff").json() == {"audience": "staff", "size": 3}
    assert api.client.call("DELETE", "/v1/audiences/staff/recipients/ben").status == 204
    assert api.client.call("DELETE", "/v1/audiences/staff/recipients/ben").status == 404
    assert members(api, "staff") == ["ann", "cleo"]
    assert api.client.get("/v1/recipients/ben").json()["audiences"] == []
    assert api.client.call("DELETE", "/v1/audiences/staff").status == 204
    assert api.client.get("/v1/audiences/staff/recipients").status == 404
    assert api.client.call("DELETE", "/v1/audiences/staff").status == 404
    assert api.client.get("/v1/recipients/ann").json()["audiences"] == ["night"]
    imports(api, csv("ben"), "?audience=staff")
    assert members(api, "staff") == ["ben"], "it comes back, empty at first"


def test_an_audience_that_never_was_is_not_found(api: Api) -> None:
    assert api.client.get("/v1/audiences/staf/recipients").status == 404
    assert api.client.get("/v1/audiences/staf").status == 404


def test_a_file_takes_the_place_of_an_audience(api: Api) -> None:
    imports(api, csv("ann", "ben"), "?audience=staff")
    assert replaces(api, "staff", csv("ben", "cleo", "dora")).json()["stored"] == 3
    assert members(api, "staff") == ["ben", "cleo", "dora"]
    assert api.client.get("/v1/recipients/ann").json()["audiences"] == [], "the profile stays"
    refused = replaces(api, "staff", csv("eve") + "fay,Fay,nobody,,en,email\n")
    assert refused.status == 422
    assert members(api, "staff") == ["ben", "cleo", "dora"]
    api.client.post("/v1/audiences/staff/recipients", {"recipients": [JOHN]})
    assert members(api, "staff") == ["ben", "cleo", "dora", "ui101"]
    assert replaces(api, "staff", HEADER).json()["stored"] == 0
    assert members(api, "staff") == []


def test_readers_see_the_old_list_or_the_new_one(api: Api) -> None:
    old, new = [f"a{n:03d}" for n in range(120)], [f"b{n:03d}" for n in range(120)]
    imports(api, csv(*old), "?audience=staff")
    seen: list[list[str]] = []
    done = threading.Event()

    def reads() -> None:
        while not done.is_set():
            seen.append(members(api, "staff"))

    reader = threading.Thread(target=reads)
    reader.start()
    try:
        replaces(api, "staff", csv(*new))
    finally:
        done.set()
        reader.join()
    assert all(one in (old, new) for one in seen)
    assert members(api, "staff") == new


def test_what_is_being_sent_goes_on_with_the_audience_as_it_was(install: Install, tmp_path: Path) -> None:
    api = api_of(install(HandClock(NOON), rules_dir=few_rules(tmp_path, "lead.yaml")))
    api.service.working_copies.sweep()
    desk, old = Desk(api), [f"a{n:04d}" for n in range(900)]
    imports(api, csv(*old), "?audience=staff")
    sent = desk.sends(text="The warehouse is closed on Monday.", audience="staff")
    worker = api.service.worker()
    notification = api.service.store.get(sent)
    assert notification is not None
    steps = 0
    real = api.service.messaging.directory.members

    def switched_after_the_first_page(*given: object, **named: object) -> object:
        nonlocal steps
        page = real(*given, **named)  # type: ignore[arg-type]
        steps += 1
        if steps == 1:
            replaces(api, "staff", csv("new"))
        return page

    api.service.messaging.directory.members = switched_after_the_first_page  # type: ignore[method-assign,assignment]
    worker.run_due()
    worker.close()
    desk.works(5)
    assert steps >= 2
    assert desk.counts(sent) == {"accepted": 900}
    assert members(api, "staff") == ["new"]


def test_who_no_longer_belongs_is_forgotten_after_a_day(api: Api) -> None:
    imports(api, csv(*[f"a{n:03d}" for n in range(150)]), "?audience=staff")
    replaces(api, "staff", csv("ann"))
    assert api.service.store.count("audience", "staff") == 150
    api.clock.advance(KEPT_FOR)
    Desk(api).works(2)
    assert api.service.store.count("audience", "staff") == 0
    assert members(api, "staff") == ["ann"]


def test_nothing_of_a_file_is_stored_unless_all_of_it_fits_or_a_part_is_asked_for(api: Api) -> None:
    file = csv("ann") + "ben,Ben,nobody,,en,email\n"
    refused = imports(api, file)
    assert refused.status == 422
    assert "1 of 2 rows do not fit: nothing is stored (read as UTF-8, commas)." in refused.text
    errors = refused.json()["errors"]
    assert isinstance(errors, list)
    assert errors[0]["path"] == "row 3: email"
    assert api.client.get("/v1/recipients/ann").status == 404
    dry = imports(api, file, "?dry_run=true").json()
    assert (dry["fit"], dry["stored"], dry["refused"]) == (1, 0, 1)
    partial = imports(api, file, "?partial=true").json()
    assert (partial["fit"], partial["stored"], partial["refused"]) == (1, 1, 1)
    assert api.client.get("/v1/recipients/ann").status == 200


def test_the_samples_own_rows_are_taken_over_http(api: Api) -> None:
    rows = [
        {"event_id": "Apr142022", **MARY, "phoneme": "de-DE"},
        {"event_id": "Apr142022", **JOHN},
    ]
    assert imports(api, json.dumps(rows), kind="application/json").json()["stored"] == 2
    assert members(api, "Apr142022") == ["ui101", "ui102"]
    assert api.client.get("/v1/recipients/ui102").json()["voice_locale"] == "de-DE"
    one = {name: value for name, value in rows[0].items() if name != "user_id"}
    assert api.client.call("PUT", "/v1/recipients/ui107", json=one).status == 201
    assert members(api, "Apr142022") == ["ui101", "ui102", "ui107"]


@pytest.mark.parametrize(
    ("text", "query", "kind", "status"),
    [
        (HEADER.replace(",", ";") + "ann;Ann;;07700 900123;en;sms\n", "?country=gb", "text/csv", 200),
        (HEADER + "ann,Ann,,07700 900123,en,sms\n", "", "text/csv", 422),
        (HEADER, "?country=XX", "text/csv", 422),
        ("name\nAnn\n", "", "text/csv", 422),
        ("[1]", "", "application/json", 422),
        (HEADER, "?audience=a%20b", "text/csv", 422),
        (HEADER, "", "text/plain", 415),
    ],
)
def test_a_file_is_read_or_refused_as_a_whole(api: Api, text: str, query: str, kind: str, status: int) -> None:
    assert imports(api, text, query, kind).status == status


def test_an_excel_workbook_is_taken(api: Api) -> None:
    book = Workbook()
    assert book.active is not None
    book.active.append(HEADER.strip().split(","))
    book.active.append(["ann", "Ann", "ann@example.com", None, "en", "email"])
    written = io.BytesIO()
    book.save(written)
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    assert imports(api, written.getvalue(), kind=kind).json()["stored"] == 1


def test_the_shell_does_the_same(tmp_path: Path) -> None:
    home = {"TOCSIN_HOME": str(tmp_path / "home")}

    def tocsin(*arguments: str, status: int = 0) -> str:
        result = CliRunner().invoke(main, list(arguments), env=home)
        assert result.exit_code == status, result.output
        return result.stdout

    people, fewer = tmp_path / "people.csv", tmp_path / "fewer.csv"
    people.write_text(csv("ann", "ben", "cleo"))
    fewer.write_text(csv("dora"))
    assert tocsin("recipients", "import", str(people), "--audience", "staff") == "rows stored: 3, refused: 0\n"
    assert "staff  3 people" in tocsin("audiences", "list")
    assert tocsin("recipients", "list", "--search", "cle").startswith("cleo  Cleo  en  email")
    tocsin("audiences", "remove", "staff", "ben")
    tocsin("audiences", "remove", "staff", "ben", status=1)
    assert tocsin("audiences", "replace", "staff", str(fewer)) == "rows stored: 1, refused: 0\n"
    assert json.loads(tocsin("audiences", "list", "--json"))["items"] == [{"audience": "staff", "size": 1}]
    tocsin("audiences", "delete", "staff")
    tocsin("audiences", "delete", "staff", status=1)
    assert tocsin("recipients", "deliveries", "ann") == ""
    tocsin("recipients", "import", str(people), "--country", "Britain", status=2)
