"""Notes of live requests, for whoever looks at them afterwards."""

from __future__ import annotations

from service.rulesets.notes import Notes, TakenNotes


def test_notes_are_taken_once_by_purpose_and_what_finds_no_room_is_counted() -> None:
    notes: Notes[str, int] = Notes(room=3)
    for number in range(5):
        notes.add("shadow" if number % 2 else "sample", number)
    assert notes.take() == {"sample": TakenNotes([0, 2], skipped=1), "shadow": TakenNotes([1], skipped=1)}
    assert notes.take() == {}
    notes.add("shadow", 6)
    assert notes.take() == {"shadow": TakenNotes([6])}
