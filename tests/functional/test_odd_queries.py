"""Whatever stands in a query parameter, the answer is a list or says what does not fit: never a fault of ours."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import quote

from service.config import Settings
from service.core.enums import Scope
from service.wiring.app import Service
from tests.functional.client import Client, InProcess

ODD = (
    *("", " ", "\0", "é", "%", "-1", "0", "9" * 40, "1e400", "x" * 3_000, "null", "premium", "+447700900123"),
    *("0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "9999-12-31", "0000-00-00T00:00:00Z"),
)
KNOWN = {"name": "premium", "version": "1", "user_id": "ann", "audience": "all"}
PROFILE = {"first_name": "Ann", "language": "en", "preference": "sms", "phone": "+447700900123"}
PLACE = re.compile(r"{(\w+)}")
WAITS = "wait"


def test_a_query_parameter_of_any_kind_is_taken_or_refused(tmp_path: Path) -> None:
    service = Service(Settings(home=tmp_path, rules_watch=False))
    service.working_copies.sweep()
    client = Client(InProcess(service.flask()), service.keys.create("test", list(Scope))[1])
    people = {"recipients": [{"user_id": "ann", **PROFILE}]}
    assert client.post("/v1/audiences/all/recipients", people).status == 200
    paths = client.get("/openapi.json").json()["paths"]
    assert isinstance(paths, dict)
    asked = [
        f"{PLACE.sub(lambda name: KNOWN.get(name[1], 'x'), path)}?{parameter['name']}={quote(odd)}"
        for path, calls in paths.items()
        for parameter in calls.get("get", {}).get("parameters", [])
        if parameter["in"] == "query" and parameter["name"] != WAITS
        for odd in ODD
    ]
    answers = {url: client.get(url) for url in asked}
    assert [url for url, answer in answers.items() if answer.status >= 500] == []
    assert len(asked) > 500
    service.store.close()
