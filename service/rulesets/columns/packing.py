"""Arrays and texts as JSON holds them: one number where all rows are alike, else compressed bytes."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Mapping, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from service.core import exact_json

Packed: TypeAlias = int | str | Mapping[str, str]
"""A number for all rows; the texts; or the bytes of an array with their type."""

_TYPES = ("<i1", "<i2", "<i4", "<i8")

_FAST = 1
"""zlib's level: half the time of the default for a tenth more bytes."""


def pack(values: NDArray[np.int64]) -> Packed:
    """An array in the narrowest type that holds it."""
    low, high = (int(values.min()), int(values.max())) if len(values) else (0, 0)
    if low == high:
        return low
    narrow = next(kind for kind in _TYPES if np.iinfo(kind).min <= low and high <= np.iinfo(kind).max)
    return {"type": narrow, "bytes": _written(values.astype(narrow).tobytes())}


def unpack(packed: Packed, rows: int) -> NDArray[np.int64]:
    """The array that `pack` was given."""
    if isinstance(packed, int):
        return np.full(rows, packed, dtype=np.int64)
    assert isinstance(packed, Mapping), "written by pack"
    return np.frombuffer(_read(packed["bytes"]), dtype=packed["type"]).astype(np.int64)


def pack_texts(texts: Sequence[str]) -> Packed:
    """Texts one after the other."""
    return _written(exact_json.dumps(list(texts)).encode()) if texts else ""


def unpack_texts(packed: Packed) -> Sequence[str]:
    """The texts that `pack_texts` was given."""
    if not packed:
        return ()
    texts = exact_json.stored(_read(str(packed)).decode())
    assert isinstance(texts, list), "written by pack_texts"
    return texts


def _written(content: bytes) -> str:
    return base64.b64encode(zlib.compress(content, _FAST)).decode("ascii")


def _read(text: str) -> bytes:
    return zlib.decompress(base64.b64decode(text))
