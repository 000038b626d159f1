"""nginx with the configuration of `deploy/`, in front of a server of a test."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.functional.client import ROOT

CONFIGURATION = ROOT / "deploy" / "nginx.conf"
MISSING = "nginx is not installed. Debian: apt-get install nginx-light"


def nginx() -> str:
    """Where nginx is. Without it the test is skipped, or fails where CI is set."""
    program = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if program is None and os.environ.get("CI"):
        pytest.fail(MISSING)
    if program is None:
        pytest.skip(MISSING)
    return program


@contextmanager
def behind_nginx(url: str, folder: Path) -> Iterator[str]:
    """The address of a proxy that forwards to `url`, with a certificate of its own, until the block ends."""
    program, port = nginx(), _free_port()
    _make_certificate(folder)
    configuration = folder / "nginx.conf"
    configuration.write_text(_whole(_here(url, port, folder), folder))
    command = [program, "-p", str(folder), "-e", str(folder / "error.log"), "-c", str(configuration)]
    tried = subprocess.run([*command, "-t"], capture_output=True, text=True, check=False)
    assert tried.returncode == 0, tried.stderr
    process = subprocess.Popen([*command, "-g", "daemon off;"], stderr=subprocess.DEVNULL)
    try:
        _wait_until_open(port, process)
        yield f"https://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)


def _here(url: str, port: int, folder: Path) -> str:
    """The configuration of `deploy/` with the addresses and the certificate of this test."""
    text = CONFIGURATION.read_text()
    for shipped, ours in (
        ("server 127.0.0.1:8080;", f"server {url.removeprefix('http://')};"),
        ("listen 443 ", f"listen 127.0.0.1:{port} "),
        ("/etc/nginx/tls/", f"{folder}/"),
    ):
        assert shipped in text
        text = text.replace(shipped, ours)
    return text


def _whole(server: str, folder: Path) -> str:
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    paths = "\n".join(f"{kind}_temp_path {folder}/{kind};" for kind in kinds)
    user = "user root;" if os.getuid() == 0 else ""
    return f"""{user} pid {folder}/nginx.pid; worker_processes 1;
events {{ worker_connections 4096; }}
http {{ access_log off; {paths}
{server} }}"""


def _make_certificate(folder: Path) -> None:
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    where = [
        "-subj",
        "/CN=127.0.0.1",
        "-addext",
        "subjectAltName=IP:127.0.0.1",
        "-keyout",
        str(folder / "tls.key"),
        "-out",
        str(folder / "tls.crt"),
    ]
    subprocess.run([*command, *where], capture_output=True, check=True)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_until_open(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError("nginx did not start")
