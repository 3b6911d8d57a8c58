"""A database for one test: a SQLite file, or a schema of its own on a PostgreSQL server."""

import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import create_engine, text

KINDS = ["sqlite", pytest.param("postgresql", marks=pytest.mark.real)]


@contextmanager
def fresh(kind: str, folder: Path) -> Generator[str]:
    """Give the address of an empty database, which is gone afterwards."""
    if kind == "sqlite":
        yield f"sqlite:///{folder}/new/carrel.db"
        return
    server = os.environ.get("CARREL_TEST_POSTGRES")
    if not server:
        pytest.skip("needs CARREL_TEST_POSTGRES=postgresql+psycopg://USER@HOST:PORT/DATABASE")
    schema = f"carrel_test_{uuid4().hex}"
    engine = create_engine(server)
    with engine.begin() as connection:
        connection.execute(text(f"CREATE SCHEMA {schema}"))
    yield f"{server}{'&' if '?' in server else '?'}options=-csearch_path%3D{schema}"
    with engine.begin() as connection:
        connection.execute(text(f"DROP SCHEMA {schema} CASCADE"))
    engine.dispose()
