"""The rules folder: what is published of it, and what is left alone."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from service.clock import HandClock
from service.rulesets.library import Library
from service.rulesets.working_copies import NotPublishedYet, WorkingCopies
from service.storage import Store
from service.storage.sqlite import SqliteStore

START = datetime(2026, 5, 10, 9, tzinfo=UTC)

FILE = """ruleset: fees
facts: {fee: {type: decimal, scale: 2}}
rules: [{name: Raise, when: fee > 0, then: [{set: fee, to: 1.00}]}]
"""


class Folder:
    """The rules folder of an installation, its store, and processes that look at them."""

    def __init__(self, path: Path) -> None:
        self.path = path / "rules"
        self.path.mkdir()
        self.clock = HandClock(START)
        self.store: Store = SqliteStore(path / "tocsin.db", self.clock)
        self.library = Library(self.store, self.clock)
        self.watcher = self.process()

    def process(self) -> WorkingCopies:
        """A process that has just started."""
        return WorkingCopies(self.path, self.library, self.store, self.clock)

    def save(self, fee: str, name: str = "fees.yaml") -> None:
        (self.path / name).write_text(FILE.replace("1.00", fee))

    def sweep(self, times: int = 2) -> None:
        for _ in range(times):
            self.clock.advance(timedelta(seconds=1))
            self.watcher.sweep()

    def versions(self) -> int:
        return self.library.head("fees").versions

    def active(self) -> int:
        return self.library.active("fees", self.clock.now()).number


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def test_the_first_start_publishes_every_file_and_then_is_ready(folder: Folder) -> None:
    folder.save("1.00")
    with pytest.raises(NotPublishedYet, match=r"fees\.yaml"):
        folder.watcher.check_published()
    folder.watcher.publish_unknown()
    folder.watcher.check_published()
    version = folder.library.active("fees", START)
    assert (version.number, version.author) == (1, "rules folder")
    assert folder.library.source(version) == (folder.path / "fees.yaml").read_text()


def test_a_file_that_is_added_later_does_not_make_a_running_process_unready(folder: Folder) -> None:
    folder.watcher.check_published()
    folder.save("1.00")
    folder.watcher.check_published()


def test_a_saved_file_is_published_once_it_was_read_alike_twice(folder: Folder) -> None:
    folder.save("1.00")
    folder.sweep()
    folder.save("2.00")
    folder.sweep(1)
    assert folder.versions() == 1  # it may still be being written
    folder.save("3.00")
    folder.sweep(1)
    assert folder.versions() == 1
    folder.sweep(1)
    assert folder.versions() == 2
    assert "3.00" in folder.library.source(folder.library.version("fees", 2))


def test_a_restart_undoes_no_rollback(folder: Folder) -> None:
    folder.save("1.00")
    folder.sweep()
    folder.save("2.00")
    folder.sweep()
    folder.clock.advance(timedelta(seconds=1))
    folder.library.activate("fees", 1, "grace")
    folder.watcher = folder.process()
    folder.sweep()
    assert (folder.active(), folder.versions()) == (1, 2)


def test_content_that_was_published_before_is_not_published_again(folder: Folder) -> None:
    for fee in ("1.00", "2.00", "1.00"):
        folder.save(fee)
        folder.sweep()
    assert (folder.active(), folder.versions()) == (2, 2)


def test_a_change_made_while_nobody_was_looking_is_published_at_the_next_start(folder: Folder) -> None:
    folder.save("1.00")
    folder.sweep()
    folder.save("2.00")
    folder.watcher = folder.process()
    folder.sweep()
    assert (folder.active(), folder.versions()) == (2, 2)


def test_without_watching_only_files_that_nobody_has_seen_are_published(folder: Folder) -> None:
    folder.save("1.00")
    folder.watcher.publish_unknown()
    folder.save("2.00")
    folder.process().publish_unknown()
    assert folder.versions() == 1


def test_a_file_with_errors_is_shown_and_leaves_the_active_version(
    folder: Folder, caplog: pytest.LogCaptureFixture
) -> None:
    folder.save("1.00")
    folder.sweep()
    folder.save("1.001")
    with caplog.at_level(logging.WARNING):
        folder.sweep(5)
    assert (folder.active(), folder.versions()) == (1, 1)
    said = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert len(said) == 1  # once, not at every look
    assert "line 3" in caplog.text
    (seen,) = folder.watcher.seen()
    assert (seen.file, seen.version) == ("fees.yaml", None)
    assert seen.findings[0]["severity"] == "error"


def test_a_file_whose_own_tests_fail_is_not_published(folder: Folder) -> None:
    path = folder.path / "fees.yaml"
    path.write_text(FILE + "tests: [{given: {fee: 5}, expect: {fee: 7.00}}]\n")
    folder.sweep()
    assert folder.watcher.seen()[0].findings[0]["kind"] == "test_failed"
    assert list(folder.library.heads()) == []


def test_bytes_that_are_no_text_are_shown_as_an_error(folder: Folder) -> None:
    (folder.path / "fees.yaml").write_bytes(b"ruleset: \xff\xfe")
    folder.sweep()
    assert folder.watcher.seen()[0].version is None


def test_a_file_that_cannot_be_read_is_told_once_and_hinders_no_other(
    folder: Folder, caplog: pytest.LogCaptureFixture
) -> None:
    (folder.path / "a.yaml").mkdir()  # the one way in which even root cannot read
    folder.save("1.00")
    with caplog.at_level(logging.WARNING):
        folder.sweep(5)
    assert folder.versions() == 1
    assert [record.getMessage() for record in caplog.records] == ["a.yaml cannot be read: Is a directory"]


def test_two_processes_that_watch_publish_a_change_once(folder: Folder) -> None:
    folder.save("1.00")
    other = folder.process()
    for watcher in (folder.watcher, other, folder.watcher, other):
        watcher.sweep()
    folder.save("2.00")
    for watcher in (folder.watcher, other, folder.watcher, other):
        watcher.sweep()
    assert folder.versions() == 2


def test_other_files_and_folders_are_left_alone(folder: Folder) -> None:
    (folder.path / "escalation").mkdir()
    (folder.path / "escalation" / "default.yaml").write_text("escalation: default")
    (folder.path / "notes.txt").write_text("hello")
    folder.sweep()
    assert folder.watcher.seen() == ()
