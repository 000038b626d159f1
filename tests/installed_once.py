"""A test run makes hundreds of installations in a process: what is the same in each is done once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache, lru_cache
from pathlib import Path
from shutil import copyfile
from typing import TypeVar

import pytest
from werkzeug.routing import Rule

from service.channels.voice_nanotts import NanoSpeech
from service.core import last_good
from service.replies import languages
from service.wiring import messaging

Read = TypeVar("Read")


@pytest.fixture(scope="session", autouse=True)
def what_all_installations_share_is_made_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Vocabularies, templates and catalogues that ship, their packed copy, and the speech of equal texts.

    None of them can be changed once it is made; folders that a test makes are read as ever.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(languages, "_parsed", cache(languages._parsed))
        patch.setattr(messaging, "_wording", _once_for_what_ships(messaging._wording))
        patch.setattr(last_good, "_keep", _packed_once(tmp_path_factory.mktemp("packed") / "templates.zip"))
        patch.setattr(NanoSpeech, "speak", lru_cache(maxsize=256)(NanoSpeech.speak))
        patch.setattr(Rule, "_compile_builder", _when_it_is_called(Rule._compile_builder))
        yield


def _ships(folder: Path) -> bool:
    return folder.resolve() == messaging.SHIPPED_TEMPLATES


def _once_for_what_ships(read: Callable[[Path], Read]) -> Callable[[Path], Read]:
    shipped = cache(lambda: read(messaging.SHIPPED_TEMPLATES))
    return lambda folder: shipped() if _ships(folder) else read(folder)


def _packed_once(packed: Path) -> Callable[[Path, Path], None]:
    pack = last_good._keep

    def keep(folder: Path, kept: Path) -> None:
        if not _ships(folder):
            return pack(folder, kept)
        if not packed.exists():
            pack(folder, packed)
        kept.parent.mkdir(0o700, exist_ok=True)
        copyfile(packed, kept)
        return None

    return keep


def _when_it_is_called(compiled: Callable[..., Callable[..., object]]) -> Callable[..., Callable[..., object]]:
    """Compiles what makes a route's address when the first is made, which hardly any route of a test needs."""

    def compile_later(rule: Rule, append_unknown: bool = True) -> Callable[..., object]:
        made: list[Callable[..., object]] = []

        def build(self: Rule, **values: object) -> object:
            if not made:
                made.append(compiled(self, append_unknown))
            return made[0](self, **values)

        return build

    return compile_later
