"""Metrics that processes share, on a disk with and without room; read by the library's own collector."""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, mmap_dict
from prometheus_client.multiprocess import MultiProcessCollector

from service.core import metrics_files
from service.core.metrics_files import ReservedFile


def key(name: str, label: str = "") -> str:
    """A counter's key, as the library makes it."""
    return mmap_dict.mmap_key(name, f"{name}_total", ["kind"], [label], "Counted.")


def collected(folder: Path) -> dict[str, float]:
    """What `/metrics` shows of the folder's counters, by label."""
    registry = CollectorRegistry()
    MultiProcessCollector(registry, path=str(folder))  # type: ignore[no-untyped-call]
    return {s.labels["kind"]: s.value for metric in registry.collect() for s in metric.samples}


@contextmanager
def no_room_beyond(size: int) -> Iterator[None]:
    """Let no file of this process grow beyond so many bytes: reserving more fails, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_the_library_reads_what_is_written_however_much_it_is(tmp_path: Path) -> None:
    for number in (1, 2):
        file = ReservedFile(str(tmp_path / f"counter_{number}.db"))
        for label in range(2_000):
            file.write_value(key("seen", f"{label:03}-ä"), float(number), 0.0)
        file.close()
    assert collected(tmp_path) == {f"{label:03}-ä": 3.0 for label in range(2_000)}


def test_no_byte_of_a_file_is_without_room(tmp_path: Path) -> None:
    path = tmp_path / "counter_1.db"
    file = ReservedFile(str(path))
    for label in range(2_000):
        file.write_value(key("seen", str(label)), 1.0, 0.0)
    assert path.stat().st_blocks * 512 >= path.stat().st_size > 64 * 1024


def test_a_process_of_the_same_id_goes_on_counting(tmp_path: Path) -> None:
    path = str(tmp_path / "counter_1.db")
    ReservedFile(path).write_value(key("seen", "a"), 5.0, 1.0)
    again = ReservedFile(path)
    assert again.read_value(key("seen", "a")) == (5.0, 1.0)
    again.write_value(key("seen", "b"), 1.0, 0.0)
    assert collected(tmp_path) == {"a": 5.0, "b": 1.0}


def test_without_room_values_are_kept_and_move_into_the_file_when_there_is_some(tmp_path: Path) -> None:
    file = ReservedFile(str(tmp_path / "counter_1.db"))
    with no_room_beyond(1024):
        assert file.read_value(key("seen", "a")) == (0.0, 0.0)
        file.write_value(key("seen", "a"), 7.0, 0.0)
        assert file.read_value(key("seen", "a")) == (7.0, 0.0)
    file.write_value(key("seen", "a"), 8.0, 0.0)
    assert collected(tmp_path) == {"a": 8.0}


def test_a_file_that_cannot_grow_goes_on_with_the_values_that_it_has(tmp_path: Path) -> None:
    file = ReservedFile(str(tmp_path / "counter_1.db"))
    file.write_value(key("seen", "first"), 1.0, 0.0)
    with no_room_beyond(64 * 1024):
        for label in range(2_000):
            file.write_value(key("seen", str(label)), 1.0, 0.0)
        file.write_value(key("seen", "first"), 2.0, 0.0)
    assert 300 < len(collected(tmp_path)) < 2_000
    assert collected(tmp_path)["first"] == 2.0
    for label in range(2_000):
        file.write_value(key("seen", str(label)), 1.0, 0.0)
    assert len(collected(tmp_path)) == 2_001


def test_a_folder_that_went_away_costs_the_metrics_alone(tmp_path: Path) -> None:
    file = ReservedFile(str(tmp_path / "gone" / "counter_1.db"))
    file.write_value(key("seen", "a"), 1.0, 0.0)
    assert file.read_value(key("seen", "a")) == (1.0, 0.0)
    file.close()


def test_the_folder_is_in_memory_empty_and_nobody_elses(tmp_path: Path) -> None:
    folder = metrics_files.make_folder(tmp_path)
    try:
        (folder / "counter_1.db").write_text("of an earlier run")
        again = metrics_files.make_folder(tmp_path)
        assert (again, list(again.iterdir())) == (folder, [])
        assert again.stat().st_mode & 0o077 == 0
        assert folder != metrics_files.make_folder(tmp_path / "other")
    finally:
        metrics_files.remove_folder(folder)
        metrics_files.remove_folder(metrics_files.make_folder(tmp_path / "other"))
    if Path("/dev/shm").is_dir() and os.access("/dev/shm", os.W_OK):
        assert not folder.exists()


def test_where_memory_cannot_be_used_the_folder_is_in_the_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics_files, "_SHARED_MEMORY", tmp_path / "none")
    assert metrics_files.make_folder(tmp_path) == tmp_path / "metrics"
    assert metrics_files.make_folder(tmp_path / "no-home") == tmp_path / "no-home" / "metrics"
