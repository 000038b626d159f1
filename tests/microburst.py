"""Faults at random between boto3 and an AWS API: microburst in front of ministack, from the environment of its own.

It answers in the words of AWS, at the rates of its rules, and keeps count of what it did, so that no test passes
because nothing happened. What SES v2 does wrong is played in `aws_services` instead: microburst takes it for SES v1.
"""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.aws import STARTS_WITHIN_S, Environment, free_port

PROGRAM = Path(__file__).parents[1] / ".venv-aws" / "bin" / "python"
SEEDED = "import random, sys; random.seed(int(sys.argv.pop(1))); from microburst.cli import main; sys.exit(main())"
"""It has no setting for a seed: the chances are drawn in the same order every time, whoever meets them."""

Rule = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Microburst:
    """The rules by which calls go wrong, and what went wrong so far."""

    port: int

    def storms(self, *rules: Rule) -> None:
        """From now on these rules decide, and no others; the count begins anew."""
        self.ask("POST", "rules", [])
        self.ask("DELETE", "fired")
        self.ask("POST", "rules", list(rules))

    def gusts(self, *rules: Rule) -> None:
        """Let these rules decide what those before them let pass."""
        self.ask("PATCH", "rules", list(rules))

    def calms_down(self) -> None:
        """Let everything pass."""
        self.ask("POST", "rules", [])

    def fired(self) -> Counter[tuple[str, str]]:
        """How often which fault fell on which service since the storm began."""
        events = self.ask("GET", "fired?limit=2000")
        assert isinstance(events, list)
        assert len(events) < 2000, "it remembers no more: the count would be wrong"
        return Counter((str(event["service"]), str(event["action"])) for event in events)

    def ask(self, method: str, path: str, document: object = None) -> object:
        """One request to its control."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request(method, f"/_microburst/{path}", json.dumps(document))
            answer = connection.getresponse()
            text = answer.read()
            assert answer.status == 200, text
            return json.loads(text)
        finally:
            connection.close()


@contextmanager
def microburst(upstream: Environment, folder: Path, seed: int) -> Iterator[Microburst]:
    """Run it on a free port of 127.0.0.1 until the block ends. Fails where it is not installed."""
    if not PROGRAM.exists():
        raise FileNotFoundError(f"{PROGRAM} is missing: `make test-more` installs it")
    burst = Microburst(free_port())
    command = [str(PROGRAM), "-c", SEEDED, str(seed), "--host", "127.0.0.1", "--port", str(burst.port)]
    command += ["--upstream", upstream["AWS_ENDPOINT_URL"]]
    with (folder / "microburst.log").open("wb") as log:
        server = subprocess.Popen(command, env=os.environ, stdout=log, stderr=subprocess.STDOUT, cwd=folder)
        try:
            _wait_until_it_answers(burst, server, folder / "microburst.log")
            _warm(burst)
            yield burst
        finally:
            server.terminate()
            server.wait(20)


def through(burst: Microburst, upstream: Environment) -> Environment:
    """What boto3 must be told to reach DynamoDB and SQS through it, and all else at the upstream itself."""
    url = f"http://127.0.0.1:{burst.port}"
    return {**upstream, "AWS_ENDPOINT_URL_DYNAMODB": url, "AWS_ENDPOINT_URL_SQS": url}


def _wait_until_it_answers(burst: Microburst, server: subprocess.Popen[bytes], log: Path) -> None:
    ends = time.monotonic() + STARTS_WITHIN_S
    while time.monotonic() < ends and server.poll() is None:
        try:
            burst.ask("GET", "health")
        except (OSError, HTTPException):
            time.sleep(0.05)  # a process starts in real time
        else:
            return
    raise TimeoutError(f"microburst did not start on port {burst.port}: {log.read_text(errors='replace')[-2000:]}")


def _warm(burst: Microburst) -> None:
    """Let it read the services' models, which takes longer than our clients wait for an answer."""
    patient = Config(read_timeout=STARTS_WITHIN_S, retries={"mode": "standard", "total_max_attempts": 1})
    session = boto3.session.Session("test", "test", region_name="us-east-1")
    burst.storms({"service": "*", "error": {"code": "ThrottlingException"}})
    for service, operation in (("dynamodb", "list_tables"), ("sqs", "list_queues")):
        client = session.client(service, endpoint_url=f"http://127.0.0.1:{burst.port}", config=patient)  # type: ignore[call-overload]  # a name is no literal
        with suppress(ClientError):
            getattr(client, operation)()
        client.close()
    assert burst.fired().total() == 2, "it stands between boto3 and both services"
    burst.calms_down()
