"""The files that others run us by: read by their own tools, and true to the code."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from shutil import which
from typing import cast

import pytest
import yaml

from service import config
from service.aws import inbox, intake_table
from service.cli import COMMANDS
from service.core.enums import Lane
from service.storage import sqs
from service.storage.dynamodb import TableNames
from service.storage.dynamodb.tables import (
    AUDIT_BY_DAY,
    AUDIT_BY_REQUEST,
    AUDIT_BY_RULESET,
    DUE,
    FORGET,
    LOOKUPS,
    Index,
)
from service.storage.sqs.queues import HIDDEN_FOR, KEPT_FOR, MOST_RECEIVES, whole_seconds
from tests.functional.client import ROOT
from tests.functional.deploy_template import TEMPLATE, Tree, resources_of_the_template

LINT = Path(sys.executable).with_name("cfn-lint")


@pytest.fixture(scope="module")
def resources() -> Mapping[str, Tree]:
    """What the template makes, by logical id."""
    return resources_of_the_template()


@pytest.fixture(scope="module")
def compose() -> Mapping[str, Tree]:
    """The services of the compose file, all profiles, as a real implementation reads it."""
    program = which("docker-compose")
    if program is None and "CI" not in os.environ:
        pytest.skip("docker-compose is not installed (Debian: apt-get install docker-compose)")
    assert program is not None, "CI installs docker-compose: see .ci/run"
    ended = subprocess.run([program, "config"], cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    assert ended.returncode == 0, ended.stderr
    return cast("Mapping[str, Tree]", yaml.safe_load(ended.stdout)["services"])


def test_the_template_has_no_fault_that_cloudformations_linter_knows() -> None:
    ended = subprocess.run([LINT, TEMPLATE], capture_output=True, text=True, check=False, timeout=120)
    assert (ended.returncode, ended.stdout) == (0, "")


def test_the_template_uses_no_aliases_which_cloudformation_does_not_read() -> None:
    assert not [event for event in yaml.parse(TEMPLATE.read_text()) if isinstance(event, yaml.AliasEvent)]


@pytest.mark.parametrize(
    ("resource", "name", "key", "indexes"),
    [
        ("Items", TableNames().items, "id", (DUE, *LOOKUPS)),
        ("Audit", TableNames().audit, "audit_id", (AUDIT_BY_REQUEST, AUDIT_BY_RULESET, AUDIT_BY_DAY)),
    ],
)
def test_the_templates_tables_are_those_that_aws_init_makes(
    resources: Mapping[str, Tree], resource: str, name: str, key: str, indexes: tuple[Index, ...]
) -> None:
    table = _properties(resources, resource)
    assert table["TableName"] == name
    assert table["KeySchema"] == [{"AttributeName": key, "KeyType": "HASH"}]
    assert [_index(one) for one in cast("list[Tree]", table["GlobalSecondaryIndexes"])] == list(indexes)
    if resource == "Items":
        assert table["TimeToLiveSpecification"] == {"AttributeName": FORGET, "Enabled": True}


def _index(written: Tree) -> Index:
    partition, sort = (str(part["AttributeName"]) for part in cast("list[Tree]", written["KeySchema"]))
    carries = cast("list[str]", cast("Tree", written["Projection"]).get("NonKeyAttributes", []))
    return Index(str(written["IndexName"]), partition, sort, tuple(carries))


@pytest.mark.parametrize("lane", Lane)
def test_the_templates_queues_are_those_that_aws_init_makes(resources: Mapping[str, Tree], lane: Lane) -> None:
    title = lane.value.capitalize()
    queue, dead = _properties(resources, f"{title}Queue"), _properties(resources, f"{title}DeadLetters")
    assert (queue["QueueName"], dead["QueueName"]) == (sqs.QueueNames().of(lane), sqs.QueueNames().dead(lane))
    assert queue["VisibilityTimeout"] == whole_seconds(HIDDEN_FOR)
    assert queue["MessageRetentionPeriod"] == dead["MessageRetentionPeriod"] == whole_seconds(KEPT_FOR)
    redrive = {"deadLetterTargetArn": {"GetAtt": f"{title}DeadLetters.Arn"}, "maxReceiveCount": MOST_RECEIVES}
    assert queue["RedrivePolicy"] == redrive


def test_the_templates_intake_is_the_one_that_aws_init_makes(resources: Mapping[str, Tree]) -> None:
    queue, dead = _properties(resources, "IntakeQueue"), _properties(resources, "IntakeDeadLetters")
    assert dead["QueueName"] == inbox.dead_letters_of(str(queue["QueueName"]))
    assert queue["VisibilityTimeout"] == whole_seconds(inbox.HIDDEN_FOR)
    assert queue["MessageRetentionPeriod"] == dead["MessageRetentionPeriod"] == whole_seconds(KEPT_FOR)
    redrive = {"deadLetterTargetArn": {"GetAtt": "IntakeDeadLetters.Arn"}, "maxReceiveCount": inbox.MOST_RECEIVES}
    assert queue["RedrivePolicy"] == redrive
    table = _properties(resources, "Incidents")
    assert table["TableName"] == intake_table.NAME
    assert table["KeySchema"] == [{"AttributeName": intake_table.KEY, "KeyType": "HASH"}]
    assert cast("Tree", table["StreamSpecification"])["StreamViewType"] == "NEW_IMAGE"


def test_the_pipe_carries_new_items_of_the_table_to_the_queue_that_workers_read(resources: Mapping[str, Tree]) -> None:
    pipe = _properties(resources, "IncidentsPipe")
    assert (pipe["Source"], pipe["Target"]) == ({"GetAtt": "Incidents.StreamArn"}, {"GetAtt": "IntakeQueue.Arn"})
    (container,) = cast("list[Tree]", _properties(resources, "WorkerTask")["ContainerDefinitions"])
    assert {"Name": "TOCSIN_INTAKE_QUEUE", "Value": {"GetAtt": "IntakeQueue.QueueName"}} in cast(
        "list[Tree]", container["Environment"]
    )


def test_every_dead_letter_queue_wakes_a_person(resources: Mapping[str, Tree]) -> None:
    metrics = str(_properties(resources, "DeadLetters")["Metrics"])
    dead = [name for name, one in resources.items() if one["Type"] == "AWS::SQS::Queue" and "Dead" in name]
    assert len(dead) == len(Lane) + 1
    assert all(f"{name}.QueueName" in metrics for name in dead)


def test_the_phrases_that_alarms_look_for_are_those_that_the_code_logs(resources: Mapping[str, Tree]) -> None:
    code = "".join(path.read_text() for path in sorted((ROOT / "service").rglob("*.py")))
    filters = [name for name, one in resources.items() if one["Type"] == "AWS::Logs::MetricFilter"]
    assert filters
    for name in filters:
        assert str(_properties(resources, name)["FilterPattern"]).strip('"') in code, name


def test_the_templates_tasks_run_our_commands_with_our_settings(resources: Mapping[str, Tree]) -> None:
    for task in ("ApiTask", "WorkerTask"):
        (container,) = cast("list[Tree]", _properties(resources, task)["ContainerDefinitions"])
        _require_command(container["Command"])
        given = [*cast("list[Tree]", container["Environment"]), *cast("list[Tree]", container["Secrets"])]
        _require_settings(str(_where_it_is_used(one)["Name"]) for one in given)


def test_what_mails_may_carry_is_what_the_tasks_may_read(resources: Mapping[str, Tree]) -> None:
    folder = "${AttachmentsBucket}/mails"
    for task in ("ApiTask", "WorkerTask"):
        (container,) = cast("list[Tree]", _properties(resources, task)["ContainerDefinitions"])
        given = [_where_it_is_used(one) for one in cast("list[Tree]", container["Environment"])]
        assert {"Name": "TOCSIN_ATTACHMENTS", "Value": {"Sub": f"s3://{folder}"}} in given
    document = cast("Tree", _properties(resources, "Shared")["PolicyDocument"])
    rights = [_where_it_is_used(one) for one in cast("list[Tree]", document["Statement"])]
    (read,) = [right for right in rights if right["Action"] == "s3:GetObject"]
    assert read["Resource"] == {"Sub": "arn:${AWS::Partition}:s3:::" + folder + "/*"}


def _where_it_is_used(written: Tree) -> Tree:
    """Itself, or what stands under its condition."""
    return cast("list[Tree]", written["If"])[1] if "If" in written else written


def test_the_compose_file_runs_our_commands_with_our_settings(compose: Mapping[str, Tree]) -> None:
    ours = [one for one in compose.values() if cast("Tree", one.get("build", {})).get("target") == "tocsin"]
    assert len(ours) >= 3
    for service in ours:
        _require_command(service["command"])
        _require_settings(cast("Mapping[str, object]", service["environment"]))


def test_the_image_is_built_from_files_that_are_there() -> None:
    lines = (ROOT / "Dockerfile").read_text().splitlines()
    copied = [line.split()[1:-1] for line in lines if line.startswith("COPY ") and "--from" not in line]
    assert copied
    for path in (Path(ROOT, name) for names in copied for name in names):
        assert path.exists(), path
    _require_settings(word.split("=")[0] for line in lines if line.startswith("ENV ") for word in line.split()[1:])


def _properties(resources: Mapping[str, Tree], name: str) -> Tree:
    return cast("Tree", resources[name]["Properties"])


def _require_command(words: object) -> None:
    assert isinstance(words, list)
    assert words[0] in COMMANDS


def _require_settings(names: Iterator[str] | Mapping[str, object]) -> None:
    assert not {name for name in names if name.startswith("TOCSIN_")} - set(config.names())
