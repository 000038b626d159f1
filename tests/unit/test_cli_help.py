"""`--help` on a terminal of 80 columns says everything: no line is cut or wrapped."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import click
import pytest
from click.testing import CliRunner

from service.cli import COMMANDS, main


def _groups(command: click.Command, path: Sequence[str] = ()) -> Iterator[tuple[str, ...]]:
    if isinstance(command, click.Group):
        yield tuple(path)
        context = click.Context(command)
        for name in command.list_commands(context):
            known = command.get_command(context, name)
            assert known is not None
            yield from _groups(known, (*path, name))


def _help(path: Sequence[str]) -> str:
    return CliRunner().invoke(main, [*path, "--help"], prog_name="tocsin", terminal_width=80).output


@pytest.mark.parametrize("path", list(_groups(main)), ids=lambda path: " ".join(path) or "tocsin")
def test_no_line_of_a_list_of_commands_is_cut(path: tuple[str, ...]) -> None:
    _, *lines = _help(path).splitlines()
    assert not [line for line in lines if line.endswith("...") or len(line) > 80]


def test_every_command_stands_in_a_group_of_the_help() -> None:
    listed = {line.split()[0] for line in _help(()).splitlines() if line.startswith("  ")}
    assert listed >= COMMANDS.keys()
