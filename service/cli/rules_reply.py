"""`tocsin rules reply`: how a reply by SMS is read."""

from __future__ import annotations

from collections.abc import Mapping

import click

from service import config
from service.cli.rule_files import as_json_option
from service.core import exact_json
from service.replies import POLICIES, Reading, ReplyDecision, decide, read_languages
from service.wiring import SHIPPED_WORDS, reply_words


@click.command("reply")
@click.argument("text")
@click.option("--language", help="The language of the person's profile, like de; every language if left out.")
@click.option("--policy", type=click.Choice(list(POLICIES)), default="page", help="What kind of page it answers.")
@as_json_option
def read_reply(text: str, language: str | None, policy: str, as_json: bool) -> None:
    """Show how a reply is read, word by word.

    It says what an SMS with this text does.
    """
    languages = read_languages(reply_words(config.load().rules_dir), instead=SHIPPED_WORDS)
    if language is not None and languages.nearest(language) is None:
        raise click.BadParameter(
            f"there is no vocabulary for it; there are {', '.join(languages.names)}", param_hint="--language"
        )
    readings = languages.read(text, language)
    decision = decide(readings, POLICIES[policy])
    shown = next((reading for reading in readings if reading.whole), readings[0])
    if as_json:
        click.echo(exact_json.dumps(_as_json(shown, decision)))
        return
    for span in shown.spans:
        click.echo(f"{span.text:<24} {span.label}")
    click.echo(_sentence(decision))


def _as_json(reading: Reading, decision: ReplyDecision) -> Mapping[str, object]:
    spans = [{"text": span.text, "label": span.label} for span in reading.spans]
    return {
        "outcome": decision.outcome,
        "reason": decision.reason,
        "codes": list(decision.codes),
        "language": reading.language,
        "spans": spans,
    }


def _sentence(decision: ReplyDecision) -> str:
    codes = f" for {', '.join(map(str, decision.codes))}" if decision.codes else ""
    why = f" ({decision.reason})" if decision.reason else ""
    return f"{decision.outcome.upper()}{codes}{why}"
