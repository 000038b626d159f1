"""`tocsin rules test` and `tocsin rules tests`: running a file's own tests, and writing them."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from service.cli import junit
from service.cli.rule_files import RULE_FILE, as_json_option, counted, rendered, sound
from service.core import exact_json
from service.decide import Compiled, boundaries, report, rule_tests
from service.rulesets import rule_file


@click.command("test")
@click.argument("files", nargs=-1, required=True, type=RULE_FILE)
@click.option("--junit", "junit_file", type=click.Path(dir_okay=False, path_type=Path), help="Write JUnit XML for CI.")
@as_json_option
def run_tests(files: tuple[Path, ...], junit_file: Path | None, as_json: bool) -> None:
    """Run the files' own tests.

    Rules that no test fires are named. Exits with 1 if a test fails.
    """
    rulesets = {str(file): sound(file) for file in files}
    tested = {name: rule_tests.run(Compiled(ruleset)) for name, ruleset in rulesets.items()}
    if junit_file is not None:
        junit_file.write_text(
            junit.report({name: (rulesets[name], result) for name, result in tested.items()}), "utf-8"
        )
    if as_json:
        documents = [
            {**report.as_json(result.findings, name), "tests": result.tests, "never_fired": result.never_fired}
            for name, result in tested.items()
        ]
        click.echo(exact_json.dumps({"files": documents}))
    else:
        for name, result in tested.items():
            click.echo(rendered(rule_file.read(Path(name)), result.findings), nl=False)
            never = f"; no test fires: {', '.join(result.never_fired)}" if result.never_fired else ""
            click.echo(f"{name}: {counted(result.tests, 'test')}, {counted(len(result.findings), 'failure')}{never}")
    sys.exit(1 if any(result.findings for result in tested.values()) else 0)


@click.command("tests")
@click.argument("file", type=RULE_FILE)
@click.option("--generate", is_flag=True, required=True, expose_value=False, help="For every boundary of every rule.")
def write_tests(file: Path) -> None:
    """Print tests to paste into a file.

    For each rule these are one request that matches, and one just past each limit.

    What they expect is what the rules decide now: read them before you keep them.
    """
    click.echo(boundaries.generate(Compiled(sound(file))).as_yaml(), nl=False)
