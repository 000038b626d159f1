"""The same commands with TOCSIN_BACKEND=aws, against an AWS API on this machine."""

from pathlib import Path

from tests.aws import Environment
from tests.functional.client import running, tocsin

REQUEST = {
    "driver": {"age": "18", "name": "Brian"},
    "car": {"style": "SPORTS", "color": "RED"},
    "policy": {"id": "1231231", "premium": "300"},
}


def test_an_account_is_prepared_by_one_command_and_then_answers_as_the_embedded_backend_does(
    aws: Environment, tmp_path: Path
) -> None:
    settings = {"TOCSIN_BACKEND": "aws", "TOCSIN_HOME": str(tmp_path)}
    for _ in range(2):
        ended = tocsin("aws", "init", settings=settings)
        assert ended.returncode == 0, ended.stderr
    with running(tmp_path, BACKEND="aws") as server:
        evaluation = {"context": {"request_id": "REQ-99999"}, "request": REQUEST}
        answer = server.client.post("/v1/rulesets/premium/evaluations", evaluation, {"Idempotency-Key": "aws-1"})
        assert answer.status == 200, answer.text
        assert '"360.00"' in answer.text
        again = server.client.post("/v1/rulesets/premium/evaluations", evaluation, {"Idempotency-Key": "aws-1"})
        assert (again.text, again.headers["Idempotency-Replayed"]) == (answer.text, "true")
        entries = server.client.get("/v1/audit?request_id=REQ-99999").json()["items"]
        assert isinstance(entries, list)
        assert [entry["entry_type"] for entry in entries] == ["request", "response"]


def test_an_account_that_cannot_be_reached_is_told_with_what_to_check(tmp_path: Path) -> None:
    nowhere = {"AWS_ENDPOINT_URL": "http://127.0.0.1:9", "AWS_REGION": "eu-central-1", "AWS_MAX_ATTEMPTS": "1"}
    keys = {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x"}
    ended = tocsin("aws", "init", settings={"TOCSIN_BACKEND": "aws", "TOCSIN_HOME": str(tmp_path), **nowhere, **keys})
    assert ended.returncode == 1
    assert "credentials" in ended.stderr
    assert "Traceback" not in ended.stderr
