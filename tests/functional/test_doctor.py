"""`tocsin doctor`: what it finds amiss, and what it says to do."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from service.channels.email import parse_sender
from service.cli.checks import CheckLevel, amazon
from service.config import Backend, Settings
from service.core import exact_json
from service.core.clock import HandClock
from service.core.enums import Channel
from service.storage.dynamodb import connect as connect_dynamodb
from service.storage.sqs import connect as connect_queues
from service.wiring.storage import prepare_aws
from tests.aws import Environment, free_port, ministack
from tests.functional.client import tocsin

SENDER = parse_sender("Tocsin <tocsin@example.com>")
NOT_MAIL = frozenset({Channel.SMS, Channel.VOICE})


def checks(settings: Mapping[str, str]) -> tuple[int, dict[str, str]]:
    """The status, and the level of each subject (the worst, where there are several)."""
    ended = tocsin("doctor", "--json", settings=settings)
    document = exact_json.loads(ended.stdout)
    assert isinstance(document, dict), ended.stderr
    levels: dict[str, str] = {}
    for check in document["checks"]:
        assert check["level"] == "OK" or check["do"], check
        worst = max(levels.get(check["subject"], "OK"), check["level"], key=["OK", "WARN", "FAIL"].index)
        levels[check["subject"]] = worst
    return ended.returncode, levels


def test_a_fresh_folder_is_well_and_a_misspelt_setting_is_only_a_warning(tmp_path: Path) -> None:
    status, levels = checks({"TOCSIN_HOME": str(tmp_path), "TOCSIN_PROT": "1"})
    assert status == 0
    assert levels["settings"] == "WARN"
    assert {levels[part] for part in ("store", "dead work", "sentiment model", "voice", "language detection")} == {"OK"}


def test_a_secret_that_others_may_read_fails_with_the_command_that_mends_it(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("ab" * 32)
    (tmp_path / "secret").chmod(0o644)
    ended = tocsin("doctor", settings={"TOCSIN_HOME": str(tmp_path)})
    assert ended.returncode == 1
    assert "FAIL  secret: others may read its file" in ended.stdout
    assert f"chmod 600 {tmp_path / 'secret'}" in ended.stdout


def test_settings_that_cannot_be_used_are_a_finding_each_and_not_an_error(tmp_path: Path) -> None:
    wrong = {"TOCSIN_PORT": "eighty", "TOCSIN_SENDERS": "{", "TOCSIN_RULES_DIR": "/nope"}
    ended = tocsin("doctor", settings={"TOCSIN_HOME": str(tmp_path), **wrong})
    found = [line.split(": ")[1] for line in ended.stdout.splitlines() if line.startswith("FAIL  settings: ")]
    assert (ended.returncode, sorted(found)) == (1, sorted(wrong))
    assert "Traceback" not in ended.stderr


def test_a_store_that_cannot_be_written_fails(tmp_path: Path) -> None:
    (tmp_path / "tocsin.db").mkdir()
    status, levels = checks({"TOCSIN_HOME": str(tmp_path)})
    assert (status, levels["store"], levels["senders"]) == (1, "FAIL", "OK")


class Nobody:
    """Takes no login."""

    def __call__(self, *_: object) -> AuthResult:
        return AuthResult(success=False, handled=False)


def test_the_mail_server_is_spoken_to_and_gets_no_mail(tmp_path: Path) -> None:
    server = Controller(object(), "127.0.0.1", free_port())
    server.start()
    try:
        at = f"smtp://{server.hostname}:{server.port}"
        assert checks({"TOCSIN_HOME": str(tmp_path), "TOCSIN_SMTP_URL": at})[1]["mail server"] == "OK"
        demanding = {"TOCSIN_HOME": str(tmp_path), "TOCSIN_SMTP_URL": at.replace("smtp:", "smtp+starttls:")}
        status, levels = checks(demanding)
        assert (status, levels["mail server"]) == (1, "FAIL")
    finally:
        server.stop()


def test_a_mail_server_that_refuses_the_password_is_told_and_the_password_is_not(tmp_path: Path) -> None:
    server = Controller(
        object(), "127.0.0.1", free_port(), authenticator=Nobody(), auth_require_tls=False, auth_required=True
    )
    server.start()
    try:
        url = f"smtp://ann:hunter2@{server.hostname}:{server.port}"
        ended = tocsin("doctor", settings={"TOCSIN_HOME": str(tmp_path), "TOCSIN_SMTP_URL": url})
    finally:
        server.stop()
    assert "FAIL  mail server: the mail server refuses TOCSIN_SMTP_URL's user or password (535)" in ended.stdout
    assert "hunter2" not in ended.stdout


def test_a_mail_server_that_is_not_there_or_says_nothing_fails_in_time(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        for port in (free_port(), silent.getsockname()[1]):
            settings = {"TOCSIN_HOME": str(tmp_path), "TOCSIN_SMTP_URL": f"smtp://127.0.0.1:{port}"}
            assert checks(settings)[1]["mail server"] == "FAIL"


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environment]:
    """An account of this module's own, empty at first."""
    with ministack(tmp_path_factory.mktemp("aws")) as environment:
        yield environment


@pytest.fixture
def on_aws(account: Environment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Mapping[str, str]:
    for name, value in account.items():
        monkeypatch.setenv(name, value)
    trial = {"TOCSIN_OUTBOX_CHANNELS": "sms, email, voice", "TOCSIN_SECRET": "ab" * 32}
    return {"TOCSIN_BACKEND": "aws", "TOCSIN_HOME": str(tmp_path), **trial}


def test_an_empty_account_is_told_what_to_run_and_is_well_afterwards(
    on_aws: Mapping[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION")  # AWS_REGION is what containers are given
    status, levels = checks(on_aws)
    assert (status, levels["credentials"], levels["clock"]) == (1, "OK", "OK")
    assert levels["table tocsin_items"] == levels["queue tocsin-bulk"] == "FAIL"
    assert tocsin("aws", "init", settings=on_aws).returncode == 0
    status, levels = checks(on_aws)
    assert (status, set(levels.values())) == (0, {"OK"})


def test_the_intake_is_made_by_init_and_looked_at_where_it_is_set(on_aws: Mapping[str, str]) -> None:
    settings = {**on_aws, "TOCSIN_INTAKE_QUEUE": "letters", "TOCSIN_AWS_PREFIX": "second-"}
    assert tocsin("aws", "init", settings=settings).returncode == 0
    status, levels = checks(settings)
    assert (status, levels["queue letters"], levels["table second-incidents"]) == (0, "OK", "OK")
    client = connect_queues()
    dead = client.get_queue_url(QueueName="letters-dead")["QueueUrl"]
    client.send_message(QueueUrl=dead, MessageBody="x")
    assert checks(settings)[1]["queue letters"] == "WARN"
    dynamodb = connect_dynamodb()
    dynamodb.update_table(TableName="second-incidents", StreamSpecification={"StreamEnabled": False})
    assert checks(settings)[1]["table second-incidents"] == "FAIL"


def test_nobody_there_is_said_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_DEFAULT_REGION", "AWS_REGION"):
        monkeypatch.delenv(name, raising=False)
    status, levels = checks({"TOCSIN_BACKEND": "aws", "TOCSIN_HOME": str(tmp_path)})
    assert (status, levels["credentials"]) == (1, "FAIL")
    assert "table tocsin_items" not in levels


@pytest.mark.parametrize(
    ("off", "level"),
    [
        (timedelta(0), CheckLevel.OK),
        (timedelta(seconds=20), CheckLevel.WARN),
        (timedelta(seconds=-20), CheckLevel.WARN),
        (timedelta(minutes=6), CheckLevel.FAIL),
    ],
)
def test_a_clock_that_is_off_is_told_by_aws(on_aws: Mapping[str, str], off: timedelta, level: CheckLevel) -> None:
    prepare_aws(Settings(backend=Backend.AWS))
    settings = Settings(backend=Backend.AWS, outbox_channels=frozenset(Channel))
    clock = HandClock(datetime.now(UTC) + off)
    found = {finding.subject: finding for finding in amazon.look(settings, clock)}
    assert found["clock"].level is level


def test_a_sender_whose_domain_is_not_verified_fails(on_aws: Mapping[str, str]) -> None:
    prepare_aws(Settings(backend=Backend.AWS))
    settings = Settings(backend=Backend.AWS, outbox_channels=NOT_MAIL, mail_from=SENDER)
    found = {finding.subject: finding for finding in amazon.look(settings, HandClock(datetime.now(UTC)))}
    assert found["sender of mail"].level is CheckLevel.FAIL
