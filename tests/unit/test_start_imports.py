"""What takes long to import is imported by what needs it, not by whoever starts a command."""

from __future__ import annotations

import subprocess
import sys

SLOW = ("boto3", "botocore", "durable", "flask", "jinja2", "numpy", "service.decide")


def test_the_command_line_starts_without_what_takes_long_to_import() -> None:
    script = f"import sys, service.cli; print(*({set(SLOW)} & sys.modules.keys()))"
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert ended.stdout.split() == []
