"""Translation models from a registry on this machine that serves the model we ship: added, used, listed, removed."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from click.testing import CliRunner
from typing_extensions import override

from service.cli import main
from service.core.language_tags import parse_tag
from service.language.embedded.model_registry import ModelRegistry, NoSuchModel, RegistryFails
from service.language.embedded.mozilla import MozillaEngine, bundled_models, find_models

FILES = {"model.enpt.intgemm.alphas.bin": "model", "lex.50.50.enpt.s2t.bin": "lex", "vocab.enpt.spm": "vocab"}
BLOCK = 128 * 1024


def zstandard(content: bytes) -> bytes:
    """A frame of raw blocks (RFC 8878 §3.1.1): what a server may send that compresses nothing."""
    blocks = [content[start : start + BLOCK] for start in range(0, len(content), BLOCK)]
    frame = bytes.fromhex("28b52ffde0") + len(content).to_bytes(8, "little")
    for number, block in enumerate(blocks, 1):
        frame += (len(block) << 3 | (number == len(blocks))).to_bytes(3, "little") + block
    return frame


class Mozilla:
    """The registry: its records, its root and its attachments. `damaged` files arrive with one byte changed."""

    def __init__(self) -> None:
        place = next(bundled_models().glob("enpt-*"))
        self.contents = {name: (place / name).read_bytes() for name in FILES}
        self.version = "3.0"
        self.damaged: set[str] = set()
        self.asked: list[str] = []

    def answer(self, path: str, port: int) -> bytes | None:
        self.asked.append(path)
        if path == "/v1/":
            base = {"base_url": f"http://127.0.0.1:{port}/files/"}
            return json.dumps({"capabilities": {"attachments": base}}).encode()
        if path == "/v1/records":
            return json.dumps({"data": [*self.records(self.version, "base"), *self.records("1.0", "tiny")]}).encode()
        name = path.rpartition("/")[2].removesuffix(".zst")
        if path.startswith("/files/base/") and name in self.contents:
            content = self.contents[name]
            return zstandard(content[:-1] + bytes([content[-1] ^ 1]) if name in self.damaged else content)
        return None

    def records(self, version: str, architecture: str) -> list[dict[str, object]]:
        return [
            {
                "id": f"{architecture}-{name}",
                "last_modified": 1,
                "name": name,
                "fileType": kind,
                "sourceLanguage": "en",
                "targetLanguage": "pt",
                "version": version,
                "architecture": architecture,
                "decompressedHash": hashlib.sha256(self.contents[name]).hexdigest(),
                "attachment": {"location": f"{architecture}/{name}.zst", "filename": name, "size": 1, "hash": "0"},
            }
            for name, kind in FILES.items()
        ]


@pytest.fixture
def mozilla(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Mozilla]:
    registry = Mozilla()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = registry.answer(self.path, server.server_port)
            self.send_response(200 if body is not None else 404)
            self.send_header("Content-Length", str(len(body or b"")))
            self.end_headers()
            self.wfile.write(body or b"")

        @override
        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("FXTRANSLATE_RECORDS_URL", f"http://127.0.0.1:{server.server_port}/v1/records")
    monkeypatch.setenv("TOCSIN_HOME", str(tmp_path / "home"))
    yield registry
    server.shutdown()
    server.server_close()


def tocsin(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(main, ["translations", "models", *arguments])
    return done.exit_code, done.output


def test_a_model_is_added_used_listed_and_removed(mozilla: Mozilla, tmp_path: Path) -> None:
    assert tocsin("list", "--available") == (0, "en-pt\n")
    status, said = tocsin("add", "pt-BR")
    assert status == 0, said
    assert "1 added" in said
    folder = tmp_path / "home" / "models"
    engine = MozillaEngine(find_models(folder))
    assert "porta" in engine.translate("The door is open.", parse_tag("en"), parse_tag("pt-BR")).lower()
    assert "en-pt" in tocsin("list")[1]
    assert tocsin("remove", "pt")[0] == 0
    assert find_models(folder) == ()
    status, said = tocsin("remove", "pt")
    assert (status, "no model en-pt is installed" in said) == (1, True)


@pytest.mark.parametrize("damaged", FILES)
def test_a_damaged_file_installs_nothing_and_leaves_the_model_that_is_there(
    mozilla: Mozilla, tmp_path: Path, damaged: str
) -> None:
    assert tocsin("add", "pt")[0] == 0
    folder = tmp_path / "home" / "models"
    before = {path.name: path.read_bytes() for path in (folder / "en-pt").iterdir()}
    mozilla.damaged = {damaged}
    status, said = tocsin("add", "pt")
    assert (status, f"{damaged} is damaged" in said) == (1, True)
    assert [path.name for path in folder.iterdir()] == ["en-pt"]
    assert {path.name: path.read_bytes() for path in (folder / "en-pt").iterdir()} == before


def test_a_language_without_a_model_is_refused_before_anything_is_fetched(mozilla: Mozilla) -> None:
    status, said = tocsin("add", "pt", "eo")
    assert (status, "no model from en to eo" in said) == (1, True)
    assert not any(path.startswith("/files/") for path in mozilla.asked)


def test_a_version_that_the_engine_does_not_read_is_no_model(mozilla: Mozilla) -> None:
    mozilla.version = "4.0"
    with pytest.raises(NoSuchModel):
        ModelRegistry().files("en", "pt")


def test_a_registry_that_does_not_answer_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FXTRANSLATE_RECORDS_URL", "http://127.0.0.1:9/v1/records")
    with pytest.raises(RegistryFails, match=r"127\.0\.0\.1:9 does not answer"):
        ModelRegistry()
