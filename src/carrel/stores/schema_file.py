"""The schema of SQLite as text, so that a new database needs no import of SQLAlchemy.

`schema.sql` is written from the tables; a test compares, and tells how to write it again:
`python -m carrel.stores.schema_file`.
"""

import os
from itertools import chain, groupby

FILE = os.path.join(os.path.dirname(__file__), "schema.sql")
_BETWEEN = ";\n\n"


def statements() -> list[str]:
    """Return the statements that make a new SQLite database."""
    with open(FILE, encoding="utf-8") as file:  # pathlib costs 4 ms
        return file.read().strip().removesuffix(";").split(_BETWEEN)


def text() -> str:
    """Return what the file must hold."""
    from sqlalchemy import create_mock_engine  # noqa: PLC0415 - only to write or check the file
    from sqlalchemy.dialects import sqlite  # noqa: PLC0415
    from sqlalchemy.schema import ExecutableDDLElement  # noqa: PLC0415

    from carrel.stores.tables import metadata  # noqa: PLC0415

    found: list[str] = []

    def note(element: ExecutableDDLElement, *_: object, **__: object) -> None:
        compiled = str(element.compile(dialect=sqlite.dialect())).strip()
        found.append("\n".join(line.rstrip() for line in compiled.splitlines()))

    metadata.create_all(create_mock_engine("sqlite://", note), checkfirst=False)
    # SQLAlchemy keeps a table's indexes in a set: each run of them is sorted.
    runs = [sorted(run) if index else list(run) for index, run in groupby(found, _makes_index)]
    return _BETWEEN.join(chain.from_iterable(runs)) + ";\n"


def _makes_index(statement: str) -> bool:
    return statement.startswith(("CREATE INDEX", "CREATE UNIQUE INDEX"))


if __name__ == "__main__":
    with open(FILE, "w", encoding="utf-8") as target:
        target.write(text())
