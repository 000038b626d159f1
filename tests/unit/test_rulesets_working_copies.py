"""The rules folder: what is published of it, and what is left alone."""

from __future__ import annotations

import hashlib
import logging
import os
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event, Semaphore, Thread

import pytest

from service.core.clock import HandClock
from service.decide.canary import CanaryFailed
from service.rulesets import gate
from service.rulesets.gate import CheckedFile
from service.rulesets.library import Library, RulesetDraft
from service.rulesets.working_copies import NotPublishedYet, WorkingCopies
from service.storage import Item, Store
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

    def process(self, check: Callable[[bytes], CheckedFile] = gate.check) -> WorkingCopies:
        """A process that has just started, with a check of its own if it is to go wrong."""
        return WorkingCopies(self.path, self.library, self.store, self.clock, check)

    def save(self, fee: str, name: str = "fees.yaml") -> None:
        (self.path / name).write_text(FILE.replace("1.00", fee))

    def finding(self) -> Mapping[str, object]:
        """What the one file in the folder is said to have."""
        ((finding,),) = (one.findings for one in self.watcher.seen())
        return finding

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


def test_a_file_that_is_edited_back_is_live_again_as_the_version_it_was(folder: Folder) -> None:
    for fee in ("1.00", "2.00", "1.00"):
        folder.save(fee)
        folder.sweep()
    assert (folder.active(), folder.versions()) == (1, 2)
    assert list(folder.watcher.seen()[0].findings) == []


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


class Broken:
    """A check that goes wrong on files that hold a word, as long as it is broken."""

    def __init__(self, word: bytes, error: Exception) -> None:
        self.word = word
        self.error: Exception | None = error
        self.calls = 0

    def __call__(self, content: bytes) -> CheckedFile:
        if self.error is not None and self.word in content:
            self.calls += 1
            raise self.error
        return gate.check(content)


def test_a_fault_of_one_file_is_its_finding_and_the_others_are_published(
    folder: Folder, caplog: pytest.LogCaptureFixture
) -> None:
    (folder.path / "a.yaml").write_text("ruleset: strange")
    folder.save("1.00")
    folder.watcher = folder.process(Broken(b"strange", RuntimeError("generator raised StopIteration")))
    with caplog.at_level(logging.WARNING):
        folder.sweep(20)
    assert (folder.active(), folder.versions()) == (1, 1)
    folder.watcher.check_published()
    (unpublished,) = folder.watcher.unpublished()
    assert unpublished.file == "a.yaml"
    assert "RuntimeError('generator raised StopIteration')" in unpublished.why
    (record,) = caplog.records
    assert "a.yaml could not be tried" in record.getMessage()
    assert record.exc_info is not None


def test_a_trial_that_was_ended_from_outside_is_tried_again_and_shown_meanwhile(folder: Folder) -> None:
    trial = Broken(b"fees", CanaryFailed("the trial was ended from outside (SIGTERM): try again"))
    folder.save("1.00")
    folder.watcher = folder.process(trial)
    waits = []
    for _ in range(6):
        calls = trial.calls
        since = folder.clock.now()
        while trial.calls == calls:
            folder.clock.advance(timedelta(seconds=5))
            folder.watcher.sweep()
        waits.append(folder.clock.now() - since)
    assert waits == [timedelta(seconds=s) for s in (5, 5, 60, 600, 3600, 3600)]
    finding = folder.finding()
    assert (finding["kind"], finding["severity"]) == ("not_tried", "error")
    assert "is tried again at 2026-05-10T12:11:10.000000Z: the trial was ended from outside" in str(finding["message"])
    trial.error = None
    folder.clock.advance(timedelta(hours=1))
    folder.watcher.sweep()
    assert (folder.active(), folder.watcher.unpublished()) == (1, [])


@pytest.mark.parametrize("watching", [True, False])
def test_a_restart_tries_again_at_once_what_could_not_be_tried(folder: Folder, watching: bool) -> None:
    folder.save("1.00")
    folder.process(Broken(b"fees", CanaryFailed("ended from outside: try again"))).publish_unknown()
    restarted = folder.process()
    for _ in range(2):
        (restarted.sweep if watching else restarted.publish_unknown)()
    assert folder.active() == 1


def test_a_verdict_of_earlier_code_is_looked_at_again_once(folder: Folder) -> None:
    folder.save("1.00")
    finding = {"severity": "error", "kind": "test_failed", "line": 1, "column": 1}
    message = {"message": "the rule engine crashes on this file (SIGTERM)"}
    remembered_by_earlier_code(folder, None, [{**finding, **message}])
    folder.sweep()
    assert folder.active() == 1


def remembered_by_earlier_code(
    folder: Folder, version: int | None, findings: Sequence[Mapping[str, object]] = ()
) -> None:
    """The file as it stands, remembered by code that kept neither its ruleset nor its base."""
    path = folder.path / "fees.yaml"
    item_id = f"workingcopy-{hashlib.sha256(path.name.encode()).hexdigest()[:32]}"
    known = folder.store.get(item_id)
    state = {
        "file": path.name,
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "at": "2026-05-10T09:00:00Z",
        "version": version,
        "findings": list(findings),
    }
    folder.store.save(Item(item_id, "working-copy", state, version=known.version if known else 0))


def published_otherwise(folder: Folder, fee: str) -> None:
    """What an app publishes by HTTP."""
    folder.clock.advance(timedelta(minutes=1))
    folder.library.publish(RulesetDraft("fees", FILE.replace("1.00", fee), "an app"))


def test_an_edit_never_replaces_a_version_that_was_published_another_way(
    folder: Folder, caplog: pytest.LogCaptureFixture
) -> None:
    folder.save("1.00")
    folder.sweep()
    published_otherwise(folder, "2.00")
    (folder.path / "fees.yaml").write_text(f"# a comment\n{FILE}")
    with caplog.at_level(logging.WARNING):
        folder.sweep(5)
    assert (folder.active(), folder.versions()) == (2, 2)
    assert [record.levelname for record in caplog.records if record.levelno >= logging.WARNING] == ["WARNING"]
    finding = folder.finding()
    assert (finding["kind"], finding["severity"]) == ("drift", "error")
    assert finding["message"] == (
        "fees.yaml is not published: it was made from version 1, "
        "but version 2 is active, published by an app at 2026-05-10T09:01:02.000000Z"
    )
    assert "`tocsin rules pull fees`" in str(finding["hint"])
    assert "`tocsin rules publish --over 2 " in str(finding["hint"])
    assert [one.file for one in folder.watcher.unpublished()] == ["fees.yaml"]


def test_a_file_that_is_only_behind_says_so_and_is_not_unpublished(folder: Folder) -> None:
    folder.save("1.00")
    folder.sweep()
    assert list(folder.watcher.seen()[0].findings) == []
    published_otherwise(folder, "2.00")
    folder.sweep()
    finding = folder.finding()
    assert (finding["kind"], finding["severity"]) == ("drift", "warning")
    assert str(finding["message"]).startswith("fees.yaml is version 1, but version 2 is active, published by an app")
    assert folder.watcher.unpublished() == []


def test_an_edit_after_a_rollback_waits_until_its_own_version_is_active_again(folder: Folder) -> None:
    for fee in ("1.00", "2.00"):
        folder.save(fee)
        folder.sweep()
    folder.clock.advance(timedelta(seconds=1))
    folder.library.activate("fees", 1, "grace")
    assert "activated by grace" in str(folder.finding()["message"])
    folder.save("3.00")
    folder.sweep()
    assert (folder.active(), folder.versions()) == (1, 2)
    folder.clock.advance(timedelta(seconds=1))
    folder.library.activate("fees", 2, "grace")
    folder.sweep()
    assert (folder.active(), folder.versions()) == (3, 3)


def test_a_file_that_takes_over_what_was_published_may_be_edited_again(folder: Folder) -> None:
    folder.save("1.00")
    folder.sweep()
    published_otherwise(folder, "2.00")
    folder.save("2.00")
    folder.sweep()
    assert list(folder.watcher.seen()[0].findings) == []
    folder.save("3.00")
    folder.sweep()
    assert (folder.active(), folder.versions()) == (3, 3)


def test_a_file_that_is_mended_is_published_although_it_was_refused_between(folder: Folder) -> None:
    folder.save("1.00")
    folder.sweep()
    (folder.path / "fees.yaml").write_text("rules: [")
    folder.sweep()
    folder.save("2.00")
    folder.sweep()
    assert (folder.active(), folder.versions()) == (2, 2)


def test_a_second_file_of_a_ruleset_does_not_replace_the_first_ones_version(folder: Folder) -> None:
    folder.save("1.00")
    folder.sweep()
    folder.save("2.00", "copy of fees.yaml")
    folder.sweep()
    assert (folder.active(), folder.versions()) == (1, 1)
    assert "no version was ever published from it" in folder.watcher.unpublished()[0].why


def test_a_version_that_begins_later_is_no_drift(folder: Folder) -> None:
    folder.save("1.00")
    folder.sweep()
    tomorrow = folder.clock.now() + timedelta(days=1)
    draft = RulesetDraft("fees", FILE.replace("1.00", "2.00"), "grace")
    folder.watcher.record(folder.path / "fees.yaml", folder.library.publish(draft, tomorrow))
    folder.save("2.00")
    folder.sweep()
    assert (folder.active(), folder.versions()) == (1, 2)
    assert list(folder.watcher.seen()[0].findings) == []


@pytest.mark.parametrize("fees", [("1.00",), ("1.00", "2.00")])
def test_data_of_earlier_code_comes_up_without_drift(folder: Folder, fees: Sequence[str]) -> None:
    for fee in fees:
        folder.save(fee)
        folder.sweep()
    remembered_by_earlier_code(folder, folder.active())
    folder.watcher = folder.process()
    folder.sweep()
    assert list(folder.watcher.seen()[0].findings) == []
    folder.save("5.00")
    folder.sweep()
    assert "5.00" in folder.library.source(folder.library.active("fees", folder.clock.now()))


def test_a_file_that_earlier_code_did_not_publish_back_may_be_edited_on(folder: Folder) -> None:
    for fee in ("1.00", "2.00"):
        folder.save(fee)
        folder.sweep()
    folder.save("1.00")
    remembered_by_earlier_code(folder, 1)
    folder.sweep()
    assert "is version 1, but version 2 is active" in str(folder.finding()["message"])
    folder.save("5.00")
    folder.sweep()
    assert (folder.active(), folder.versions()) == (3, 3)


def test_a_file_that_earlier_code_refused_is_published_when_it_is_mended(folder: Folder) -> None:
    folder.save("1.00")
    folder.sweep()
    (folder.path / "fees.yaml").write_text("rules: [")
    remembered_by_earlier_code(folder, None, [{"severity": "error", "message": "no", "line": 1, "column": 1}])
    folder.watcher = folder.process()
    folder.sweep()
    folder.save("2.00")
    folder.sweep()
    assert (folder.active(), folder.versions()) == (2, 2)


def test_a_pipe_a_huge_file_and_a_name_that_is_no_text_hinder_no_other(folder: Folder) -> None:
    os.mkfifo(folder.path / "a.yaml")
    with (folder.path / "b.yaml").open("wb") as huge:
        huge.truncate(1 << 30)
    (folder.path / os.fsdecode(b"c\xff.yaml")).write_text("ruleset: c")
    folder.save("1.00")
    folder.sweep(3)
    assert folder.active() == 1
    whys = {one.file: one.why for one in folder.watcher.unpublished()}
    assert whys["a.yaml"] == "a.yaml cannot be read: it is not a regular file"
    assert whys["b.yaml"] == "b.yaml cannot be read: it is larger than 4 MiB"
    assert "c?.yaml" in whys


def test_a_table_that_is_a_device_a_pipe_or_huge_hinders_no_file(folder: Folder) -> None:
    (folder.path / "a.csv").symlink_to("/dev/zero")
    os.mkfifo(folder.path / "b.csv")
    with (folder.path / "c.csv").open("wb") as huge:
        huge.truncate(1 << 40)
    for name in "abc":
        (folder.path / f"{name}.yaml").write_text(
            f"ruleset: {name}\nfacts: {{n: {{type: integer}}}}\ntable: {name}.csv\n"
        )
    folder.save("1.00")
    folder.sweep(3)
    assert folder.active() == 1
    whys = {one.file: one.why for one in folder.watcher.unpublished()}
    for name in "abc":
        assert whys[f"{name}.yaml"].startswith(f'the table "{name}.csv" of {name}.yaml cannot be read: it is ')
    assert whys["a.yaml"].endswith("not a regular file")
    assert whys["c.yaml"].endswith("larger than 4 MiB")


def test_a_file_whose_name_ends_in_yml_is_said_not_to_be_read_in_the_log_once_and_where_files_are_shown(
    folder: Folder, caplog: pytest.LogCaptureFixture
) -> None:
    folder.save("1.00")
    for name in ("tax.yml", "duty.YAML"):
        (folder.path / name).write_text(FILE.replace("fees", name.split(".")[0]))
    (folder.path / "notes.txt").write_text("ruleset: notes")
    (folder.path / "old.yml").mkdir()
    folder.sweep(3)
    assert folder.active() == 1
    said = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert said == [
        "duty.YAML is not read: name it duty.yaml, or move it out of the folder",
        "tax.yml is not read: name it tax.yaml, or move it out of the folder",
    ]
    shown = {
        seen.file: (seen.ruleset, seen.version, [one["severity"] for one in seen.findings])
        for seen in folder.watcher.seen()
    }
    assert shown == {
        "fees.yaml": ("fees", 1, []),
        "tax.yml": ("tax", None, ["warning"]),
        "duty.YAML": ("duty", None, ["warning"]),
    }
    assert folder.watcher.unpublished() == []  # the service is not degraded by a note of somebody


def test_a_link_to_nothing_is_a_finding_and_does_not_keep_a_first_start_from_being_ready(folder: Folder) -> None:
    (folder.path / "a.yaml").symlink_to(folder.path / "nothing")
    folder.save("1.00")
    folder.watcher.publish_unknown()
    folder.watcher.check_published()
    (unpublished,) = folder.watcher.unpublished()
    assert unpublished.why == "a.yaml cannot be read: No such file or directory"


def test_an_editors_lock_is_no_rule_file(folder: Folder) -> None:
    (folder.path / ".#fees.yaml").symlink_to("grace@host.4711:1780000000")
    folder.save("1.00")
    folder.watcher.publish_unknown()
    folder.watcher.check_published()
    assert [one.file for one in folder.watcher.seen()] == ["fees.yaml"]


class Slow:
    """A check that does not end for files that hold `slow`, until it is let go."""

    def __init__(self) -> None:
        self.begun = Semaphore(0)
        self.let_go = Event()

    def __call__(self, content: bytes) -> CheckedFile:
        if b"slow" in content:
            self.begun.release()
            assert self.let_go.wait(60)
        return gate.check(content)


def test_an_edit_waits_for_no_file_that_is_being_tried(folder: Folder) -> None:
    folder.save("1.00")
    folder.sweep()
    check = Slow()
    folder.watcher = folder.process(check)
    folder.watcher.sweep()
    for n in range(3):
        (folder.path / f"bad{n}.yaml").write_text("slow: [")
    sweep = Thread(target=folder.watcher.sweep, daemon=True)
    sweep.start()
    assert check.begun.acquire(timeout=60)
    assert check.begun.acquire(timeout=60), "two are tried at one time"
    folder.save("2.00")
    deadline = time.monotonic() + 60
    while folder.versions() == 1:
        assert time.monotonic() < deadline
    assert sweep.is_alive()
    check.let_go.set()
    sweep.join(60)
    assert [one.file for one in folder.watcher.unpublished()] == ["bad0.yaml", "bad1.yaml", "bad2.yaml"]


def test_small_files_are_tried_before_large_ones(folder: Folder) -> None:
    tried: list[int] = []

    def check(content: bytes) -> CheckedFile:
        tried.append(len(content))
        return gate.check(b"nothing: [")

    for n, size in enumerate((4_000, 9_000, 100, 2_000)):
        (folder.path / f"f{n}.yaml").write_bytes(b"#" * size)
    folder.process(check).sweep()
    assert tried.index(100) < tried.index(4_000)
    assert tried.index(2_000) < tried.index(9_000)


def test_many_slow_files_take_ten_minutes_of_an_hour_together_and_those_that_are_skipped_say_so(folder: Folder) -> None:
    tried: list[str] = []

    def slow(content: bytes) -> CheckedFile:
        tried.append(content.decode())
        folder.clock.advance(timedelta(seconds=50))
        return gate.CheckedFile(content.decode(), None, (), limit="50 s of processor time")

    for n in range(30):
        folder.save(f"{n}.00", f"slow{n:02}.yaml")
    watcher = folder.process(slow)
    for _ in range(5):
        watcher.sweep()
        folder.clock.advance(timedelta(seconds=1))
    assert 12 <= len(tried) <= 14, "those that are under way are finished"
    watcher.check_published()
    skipped = [one for one in watcher.unpublished() if one.again_at is not None]
    assert len(skipped) == 30 - len(tried)
    assert f"{skipped[0].file} could not be tried" in skipped[0].why
    assert "have had their 600 s of this hour" in skipped[0].why
    for _ in range(600):
        folder.clock.advance(timedelta(seconds=30))
        watcher.sweep()
    assert len(set(tried)) == len(tried) == 30


def test_an_edit_of_a_live_file_is_tried_although_slow_ones_have_had_their_time(folder: Folder) -> None:
    folder.save("1.00")
    folder.sweep()

    def slow(content: bytes) -> CheckedFile:
        if b"ruleset: fees" in content:
            return gate.check(content)
        folder.clock.advance(timedelta(seconds=700))
        return gate.CheckedFile(content.decode(), None, (), limit="50 s of processor time")

    folder.watcher = folder.process(slow)
    folder.sweep(1)
    for name in ("slow.yaml", "slower.yaml"):
        (folder.path / name).write_text(FILE.replace("fees", name))
    folder.sweep()
    folder.save("2.00")
    folder.sweep()
    assert folder.active() == 2
