"""A room whose modules take long to import gives each name of its face when it is asked for."""

from __future__ import annotations

from importlib import import_module

import pytest

LAZY = ("aws", "channels", "messages", "wiring")


@pytest.mark.parametrize("room", LAZY)
def test_a_lazy_face_gives_every_name_that_it_lists_and_no_other(room: str) -> None:
    face = import_module(f"service.{room}")
    assert all(getattr(face, name) is not None for name in face.__all__)
    with pytest.raises(AttributeError):
        face.no_such_name  # noqa: B018
