"""The schema of SQLite as text, so that a new database needs no import of SQLAlchemy.

`schema.sql` is written from the tables; a test compares, and tells how to write it again:
`python -m carrel.stores.schema_file`.
"""

import os
from pathlib import Path

FILE = os.path.join(os.path.dirname(__file__), "schema.sql")
_BETWEEN = ";\n\n"


def statements() -> list[str]:
    """Return the statements that make a new SQLite database."""
    return Path(FILE).read_text(encoding="utf-8").strip().removesuffix(";").split(_BETWEEN)


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
    return _BETWEEN.join(found) + ";\n"


if __name__ == "__main__":
    Path(FILE).write_text(text(), encoding="utf-8")
