"""The console's stylesheet and scripts, served under the digest of their content, so that browsers keep them."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from http import HTTPStatus
from pathlib import Path

from flask import Blueprint, Response

FOLDER = Path(__file__).with_name("static")
_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_FOREVER = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class Asset:
    """One file, as browsers get it."""

    content: bytes
    media_type: str
    digest: str


class Assets:
    """The files of the static folder, read once."""

    def __init__(self, folder: Path = FOLDER) -> None:
        self._assets = {path.name: _read(path) for path in folder.iterdir() if path.suffix in _TYPES}

    def url(self, name: str) -> str:
        """The address of a file; it changes with the content."""
        return f"/console/static/{self._assets[name].digest}/{name}"

    def add_to(self, routes: Blueprint) -> None:
        """Serve the files."""

        @routes.get("/static/<digest>/<name>")
        def static(digest: str, name: str) -> Response:
            asset = self._assets.get(name)
            if asset is None or asset.digest != digest:
                return Response("There is no such file.\n", HTTPStatus.NOT_FOUND, mimetype="text/plain")
            return Response(asset.content, mimetype=asset.media_type, headers={"Cache-Control": _FOREVER})


def _read(path: Path) -> Asset:
    content = path.read_bytes()
    return Asset(content, _TYPES[path.suffix], sha256(content).hexdigest()[:12])
