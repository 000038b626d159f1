"""The files that ship with the service are parsed once in a test run, which makes hundreds of installations."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import pytest

from service.replies import languages
from service.wiring import messaging


@pytest.fixture(scope="session", autouse=True)
def shipped_files_are_parsed_once() -> Iterator[None]:
    """Vocabularies, templates and catalogues cannot be changed once they are parsed; a process parses them once anyway.

    Folders that a test makes are read as ever.
    """
    wording = messaging._wording
    shipped = cache(wording)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(languages, "_parsed", cache(languages._parsed))
        patch.setattr(
            messaging,
            "_wording",
            lambda folder: shipped(folder) if folder == messaging.SHIPPED_TEMPLATES else wording(folder),
        )
        yield
