"""The floor: a bare loop, in a process of its own, that renders and inserts the rows of 100 deliveries a commit."""

from __future__ import annotations

import sys
from itertools import islice
from pathlib import Path
from time import perf_counter

from bench.deliveries_work import INSERT_ITEM, INSERT_KEY, Rows, open_file, people

TOGETHER = 100


def main(path: str, deliveries: str) -> None:
    """Print how many seconds it takes."""
    connection, rows = open_file(Path(path)), Rows()
    everyone = enumerate(list(people(int(deliveries))), start=1)
    began = perf_counter()
    while some := list(islice(everyone, TOGETHER)):
        connection.execute("BEGIN IMMEDIATE")
        made = [rows.of(number, person) for number, person in some]
        connection.executemany(INSERT_ITEM, [row for items, _ in made for row in items])
        connection.executemany(INSERT_KEY, [row for _, keys in made for row in keys])
        connection.execute("COMMIT")
    print(perf_counter() - began)


if __name__ == "__main__":
    main(*sys.argv[1:])
