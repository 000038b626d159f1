"""The part of `tocsin demo` that sets its own clock."""

from service.cli.scenarios import Transcript
from service.cli.scenarios.roster import play_hand_over


def test_the_demo_pages_who_is_on_call_before_and_after_a_clock_change() -> None:
    lines: list[str] = []
    transcript = Transcript(lines.append)
    play_hand_over(transcript)
    assert transcript.failures == 0, "\n".join(lines)
    assert any("Pump 2 stands still" in line for line in lines)
