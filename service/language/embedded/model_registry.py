"""Mozilla's registry of translation models: which there are, and the files of one, checked by their hashes.

The records are Firefox Remote Settings', read by `fxtranslate.discovery`; `FXTRANSLATE_RECORDS_URL` names another
registry, such as a mirror inside a company. Attachments lie where the registry's root says
(https://remote-settings.readthedocs.io/en/latest/client-specifications.html).
"""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import urllib3
from fxtranslate import discovery

from service.core import TocsinError

MAX_RECORDS_BYTES = 32 * 1024 * 1024
MAX_FILE_BYTES = 300 * 1024 * 1024
"""Bytes of the list of records, and of one file of a model as it is sent."""

HUB = "en"
"""Every model translates from or into English."""

_ARCHITECTURES = ("base-memory", "base", "tiny")
"""The best first: Firefox's own order."""

_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,100}")
_CHUNK = 256 * 1024
_PAIR = re.compile(r"[a-zA-Z]{2,3}(?:-[A-Za-z]{2,4})?-en|en-[a-zA-Z]{2,3}(?:-[A-Za-z]{2,4})?")


class RegistryFails(TocsinError):
    """The registry does not answer, or with something that is no model; nothing was installed."""


class NoSuchModel(TocsinError):
    """The registry has no model of this pair, or none is installed."""


@dataclass(frozen=True, slots=True)
class ModelFile:
    """One file of a model: its name, where it lies and the SHA-256 of its content."""

    name: str
    location: str
    sha256: str


Progress = Callable[[str, int, int], None]
"""Told of a file's name, the bytes that arrived since, and all its bytes (0 where nobody says)."""


class ModelRegistry:
    """A registry of models, asked once. `url` is that of its records."""

    def __init__(self, url: str | None = None) -> None:
        self._url = url or discovery.records_url()
        self._http = urllib3.PoolManager(timeout=urllib3.Timeout(connect=5, read=30), retries=urllib3.Retry(2))
        self._records = self._asked(self._url, MAX_RECORDS_BYTES).decode(errors="replace")

    def pairs(self) -> Sequence[tuple[str, str]]:
        """All pairs of languages, sorted."""
        try:
            return sorted(discovery.model_pairs(self._records))
        except ValueError as error:
            raise RegistryFails(f"{self._url} does not hold records of models: {error}") from error

    def files(self, source: str, target: str) -> Sequence[ModelFile]:
        """The files of the newest and best model of a pair; `NoSuchModel`."""
        if (source, target) not in self.pairs():
            raise NoSuchModel(f"there is no model from {source} to {target}")
        files = [
            record
            for record in discovery.parse_records(self._records)
            if (record["sourceLanguage"], record["targetLanguage"]) == (source, target) and _is_read(record["version"])
        ]
        best = max((_rank(record) for record in files), default=None)
        return [_file(record) for record in files if _rank(record) == best]

    def install(self, source: str, target: str, folder: Path, progress: Progress) -> Path:
        """Fetch a model into `folder`, whole or not at all; one that is there already is replaced."""
        files = self.files(source, target)
        folder.mkdir(parents=True, exist_ok=True)
        place = folder / f"{source}-{target}"
        base = self._attachments()
        with tempfile.TemporaryDirectory(prefix=".new-", dir=folder) as made:
            for file in files:
                content = self._fetched(urljoin(base, file.location), file, progress)
                (Path(made) / file.name).write_bytes(content)
            if place.exists():
                shutil.rmtree(place)
            shutil.copytree(made, place)
        return place

    def _attachments(self) -> str:
        parts = urlsplit(self._url)
        root = f"{parts.scheme}://{parts.netloc}/v1/"
        try:
            base = json.loads(self._asked(root, MAX_RECORDS_BYTES))["capabilities"]["attachments"]["base_url"]
        except (ValueError, KeyError, TypeError):
            raise RegistryFails(f"{root} does not say where its attachments are") from None
        return f"{base}".rstrip("/") + "/"

    def _fetched(self, url: str, file: ModelFile, progress: Progress) -> bytes:
        sent = self._asked(url, MAX_FILE_BYTES, lambda new, whole: progress(file.name, new, whole))
        try:
            return discovery.verify_and_decompress(sent, file.sha256)
        except ValueError as error:
            raise RegistryFails(f"{file.name} is damaged or not what the registry says: {error}") from error

    def _asked(self, url: str, limit: int, progress: Callable[[int, int], None] = lambda _, __: None) -> bytes:
        try:
            response = self._http.request("GET", url, preload_content=False)
            if response.status != 200:
                raise RegistryFails(f"{url} answered {response.status}")
            whole = int(response.headers.get("Content-Length") or 0)
            content = bytearray()
            for chunk in response.stream(_CHUNK):
                content += chunk
                progress(len(chunk), whole)
                if len(content) > limit:
                    raise RegistryFails(f"{url} is longer than {limit:,} bytes")
            response.release_conn()
            return bytes(content)
        except urllib3.exceptions.HTTPError as error:
            raise RegistryFails(f"{urlsplit(url).netloc} does not answer: {error}") from error


def installed(folder: Path) -> Sequence[tuple[str, int]]:
    """The pairs in a folder, as `en-de`, with their bytes."""
    if not folder.is_dir():
        return []
    places = sorted(place for place in folder.iterdir() if place.is_dir() and _PAIR.fullmatch(place.name))
    return [(place.name, sum(file.stat().st_size for file in place.iterdir())) for place in places]


def remove(pair: str, folder: Path) -> None:
    """Delete an installed pair, such as `en-de`; `NoSuchModel`."""
    if _PAIR.fullmatch(pair) is None or not (folder / pair).is_dir():
        raise NoSuchModel(f"no model {pair} is installed: `tocsin translations models list` shows those that are")
    shutil.rmtree(folder / pair)


def _is_read(version: str | None) -> bool:
    """Whether the engine reads this version of models: it reads those of the major version 3."""
    return version is not None and version.partition(".")[0] == "3"


def _rank(record: dict[str, str | None]) -> tuple[tuple[int, ...], int]:
    numbers = tuple(int(part) for part in re.findall(r"\d+", record["version"] or ""))
    architecture = record["architecture"] or ""
    return numbers, -_ARCHITECTURES.index(architecture) if architecture in _ARCHITECTURES else -len(_ARCHITECTURES)


def _file(record: dict[str, str | None]) -> ModelFile:
    name, location, sha256 = record["name"] or "", record["location"] or "", record["decompressedHash"] or ""
    if _FILE_NAME.fullmatch(name) is None or not location or len(sha256) != 64:
        raise RegistryFails(f"the registry's record of {name!r} lacks a name, a place or a hash")
    return ModelFile(name, location, sha256)
