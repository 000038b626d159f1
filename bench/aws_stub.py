"""The AWS services that no emulator serves, in a process of their own, as the emulator is and as AWS itself would be.

In the process that is measured, their work would stop the very threads that wait for them.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from tests.aws_services import as_fast_as_they_come, aws_services


@contextmanager
def services_apart() -> Iterator[Mapping[str, str]]:
    """Run them; the environment is the one by which boto3 finds them. At the end no request may have broken a model."""
    program = [sys.executable, "-m", "bench.aws_stub"]
    with subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())
        process.stdin.close()
    assert process.returncode == 0, "a request broke its service's model: see above"


def main() -> None:
    """Serve until nobody is left who asks."""
    with aws_services() as services:
        services.usually("GetAccount", as_fast_as_they_come)
        print(json.dumps(services.environment()), flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
