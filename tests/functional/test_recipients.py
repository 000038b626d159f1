"""Recipients, the outbox and dead work, over the API and by command."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from service.cli import main
from service.core.clock import SystemClock
from service.core.enums import Scope
from service.storage import Item
from service.storage.sqlite import SqliteStore
from service.work import Commit, HandlerRegistry, Permanent, Task, TaskHandler, Worker
from tests.functional.conftest import Api

JOHN = {"first_name": "John", "language": "en", "preference": "email", "email": "john@example.com"}
MARY = {"first_name": "Mary", "language": "de", "preference": "sms", "phone": "+491713920012"}


def test_a_recipient_is_stored_read_replaced_and_erased(api: Api) -> None:
    assert api.client.call("PUT", "/v1/recipients/ui101", json=JOHN).status == 201
    assert api.client.call("PUT", "/v1/recipients/ui101", json=JOHN | {"language": "pt-br"}).status == 200
    shown = api.client.get("/v1/recipients/ui101").json()
    assert (shown["language"], shown["email"], shown["audiences"]) == ("pt-BR", "john@example.com", [])
    assert api.client.call("DELETE", "/v1/recipients/ui101").status == 204
    assert api.client.get("/v1/recipients/ui101").status == 404
    assert api.client.call("DELETE", "/v1/recipients/ui101").status == 404


def test_every_field_of_every_profile_that_does_not_fit_is_named_and_nothing_is_stored(api: Api) -> None:
    people = [JOHN | {"user_id": "ui101"}, MARY | {"user_id": "ui102", "phone": "0171", "timezone": "Berlin"}]
    reply = api.client.post("/v1/audiences/staff/recipients", {"recipients": people})
    assert reply.status == 422
    errors = reply.json()["errors"]
    assert isinstance(errors, list)
    assert [error["path"] for error in errors] == ["recipients[1].phone", "recipients[1].timezone"]
    assert api.client.get("/v1/recipients/ui101").status == 404


def test_an_audience_grows_by_a_thousand_a_call_and_is_listed_in_pages(api: Api) -> None:
    people = [JOHN | {"user_id": f"user-{number:04d}"} for number in range(1000)]
    added = api.client.post("/v1/audiences/staff/recipients", {"recipients": people})
    assert added.json() == {"audience": "staff", "size": 1000}
    first = api.client.get("/v1/audiences/staff/recipients?limit=500").json()
    second = api.client.get(f"/v1/audiences/staff/recipients?limit=500&cursor={first['next_cursor']}").json()
    assert isinstance(first["items"], list)
    assert isinstance(second["items"], list)
    assert [item["user_id"] for item in first["items"] + second["items"]] == [each["user_id"] for each in people]
    assert second["next_cursor"] is None
    too_many = [*people, JOHN | {"user_id": "one-more"}]
    assert api.client.post("/v1/audiences/staff/recipients", {"recipients": too_many}).status == 422


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/v1/recipients/a"), ("GET", "/v1/audiences/a/recipients"), ("DELETE", "/v1/recipients/a")],
)
def test_contact_data_needs_the_recipients_scope(method: str, path: str, api: Api) -> None:
    assert api.client_with(Scope.NOTIFY).call(method, path).status == 403


def test_an_outbox_that_is_asked_for_one_phone_shows_that_phones_messages(api: Api) -> None:
    assert api.client.get("/v1/outbox?to=+491713920012").json() == {"items": [], "next_cursor": None}
    assert api.client.get("/v1/outbox/nothing.mp3").status == 404
    assert api.client_with(Scope.NOTIFY).get("/v1/outbox").status == 403


def run(home: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, arguments, env={"TOCSIN_HOME": str(home)})


def test_a_file_is_imported_and_its_refused_rows_are_reported(tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    lines = ["user_id,language,preference,email", "u1,en,email,u1@example.com", "u2,en,email,nobody", "u3,xx,fax,"]
    file.write_text("\n".join(lines), encoding="utf-8")
    done = run(tmp_path / "home", "recipients", "import", str(file), "--audience", "staff")
    assert done.exit_code == 1
    assert done.stdout == "rows stored: 0, refused: 2\n"
    assert "nothing is stored: mend the others, or say --partial" in done.stderr
    dry = run(tmp_path / "home", "recipients", "import", str(file), "--partial", "--dry-run")
    assert dry.stdout == "rows stored: 0, refused: 2\n"
    done = run(tmp_path / "home", "recipients", "import", str(file), "--audience", "staff", "--partial")
    assert done.stdout == "rows stored: 1, refused: 2\n"
    assert "row 3: email: is not an email address" in done.stderr
    assert "row 4: preference: must be one of email, sms, voice" in done.stderr
    again = run(tmp_path / "home", "recipients", "import", str(file), "--audience", "staff", "--partial", "--json")
    assert json.loads(again.stdout)["stored"] == 1


def test_dead_work_is_listed_with_its_reason_and_redriven(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    store = SqliteStore(home / "tocsin.db")

    def fail(task: Task) -> Commit:
        raise Permanent("the template is gone: restore templates/welcome")

    store.add(Item("job-1", "job", {}, due_at=datetime(2026, 5, 10, tzinfo=UTC)))
    worker = Worker(store, HandlerRegistry([TaskHandler("job", fail)]), SystemClock(), threads=1)
    worker.run_due()
    worker.close()
    listed = run(home, "dead", "list", "--json")
    (item,) = json.loads(listed.stdout)["items"]
    assert (item["id"], item["lane"], item["attempts"]) == ("job-1", "transactional", 1)
    assert "restore templates/welcome" in item["why"]
    assert "job-1  transactional job" in run(home, "dead", "list").stdout
    assert run(home, "dead", "redrive", "job-2").exit_code == 1
    assert run(home, "dead", "redrive").exit_code == 2
    assert run(home, "dead", "redrive", "--all").stdout == "job-1 is due now.\n"
    assert json.loads(run(home, "dead", "list", "--json").stdout) == {"items": []}
    store.close()


def test_receivers_of_callbacks_are_given_a_secret_that_is_not_the_installations(tmp_path: Path) -> None:
    shown = run(tmp_path, "callback-secret").stdout.strip()
    assert shown == run(tmp_path, "callback-secret").stdout.strip()
    given = base64.b64decode(shown.removeprefix("whsec_"))
    assert len(given) == 32
    assert given.hex() != (tmp_path / "secret").read_text()
