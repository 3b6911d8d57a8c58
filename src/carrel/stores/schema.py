"""The schema's age: which revision a database has, how it gets to ours, whether all is well.

Imported only where a database isn't of this program's age, and by `carrel db`: Alembic costs
more than a whole run of the program.
"""

import os
import sqlite3
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Connection

from carrel.domain.ledger import first_break
from carrel.errors import FailedError, NotFoundError
from carrel.stores import cells, postgres, versions
from carrel.stores.addresses import Address, Kind
from carrel.stores.engines import engine_for
from carrel.stores.revisions import HEAD, KNOWN, VERSION_TABLE
from carrel.stores.session import SqlSession
from carrel.stores.sqlite import SqliteConnection, open_file, translated
from carrel.stores.sqlite_database import prepare, version_of
from carrel.stores.tables import LEDGER_GUARDS, metadata
from carrel.system import faults

MIGRATIONS = os.path.join(os.path.dirname(__file__), "migrations")


class Addressed(Protocol):
    """A database service, as far as its address goes."""

    address: Address


def current(db: Addressed) -> str | None:
    """Return the revision of a database, None where there is no schema (or no database)."""
    if _absent(db.address):
        return None
    with transaction(db.address) as connection:
        return _version(connection, db.address)


def upgrade(db: Addressed) -> tuple[str | None, str]:
    """Bring a database to this program's schema; return the revisions before and after.

    Raises:
        RefusedError: `database_newer`, `database_foreign`.
    """
    before = current(db)
    if db.address.kind is Kind.SQLITE:
        _upgrade_sqlite(db.address)
    else:
        with transaction(db.address) as connection:
            _upgrade_postgres(connection, db.address)
    return before, HEAD


def downgrade(db: Addressed, revision: str) -> None:
    """Take a database back to an older schema; what that can't hold is dropped.

    A SQLite database is copied beside itself first.

    Args:
        db: The database.
        revision: A known revision, or `base` for an empty database.

    Raises:
        NotFoundError: `revision_unknown`.
    """
    if revision not in {*KNOWN, "base"}:
        raise NotFoundError(
            "revision_unknown",
            f"There is no revision {revision!r} of the schema.",
            cure=f"There are {', '.join(KNOWN)} and base.",
        )
    with transaction(db.address) as connection:
        if db.address.kind is Kind.SQLITE:
            _copy_aside(db.address, f"after-{revision}")
        migrate(connection, command.downgrade, revision)


def check(db: Addressed) -> list[str]:
    """Look for what is wrong with a database; each finding is a sentence.

    Raises:
        FailedError: It can't be read at all.
        RefusedError: `database_newer`.
    """
    if _absent(db.address):
        return []
    with transaction(db.address) as connection:
        version = _version(connection, db.address)
        if version is None:
            raise versions.missing(db.address)
        versions.refuse_unknown(version, db.address)
        findings = _damage(connection) if db.address.kind is Kind.SQLITE else []
        if version != HEAD:
            return [
                *findings,
                f"The schema is {version}, not {HEAD}: run `carrel db upgrade`.",
            ]
        return [
            *findings,
            *_differences(connection),
            *_open_guards(connection),
            *_chain(connection),
        ]


def upgrade_file(address: Address) -> None:
    """Upgrade a SQLite database of a known age, a copy beside it first; safe to run at once."""
    with transaction(address) as connection:
        version = _version(connection, address)
        if version is None:
            raise versions.missing(address)
        versions.refuse_unknown(version, address)
        if version == HEAD:  # another process was quicker
            return
        _copy_aside(address, f"before-{HEAD}")
        faults.point("stores.upgrade")
        migrate(connection, command.upgrade, HEAD)
        broken = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall()
        if broken:
            raise FailedError(
                "upgrade_failed",
                f"The database {address} can't be upgraded.",
                why=f"{len(broken)} rows would point nowhere, in {broken[0][0]} first.",
                cure="Nothing was changed. Please report this.",
            )


def _upgrade_sqlite(address: Address) -> None:
    raw = open_file(address.path)
    try:
        with translated(address.path):
            prepare(raw, address, upgrade_file)
    finally:
        raw.close()


def _upgrade_postgres(connection: Connection, address: Address) -> None:
    version = _version(connection, address)
    if version is None:
        postgres.create(connection, address)
    else:
        versions.refuse_unknown(version, address)
        migrate(connection, command.upgrade, HEAD)


def _absent(address: Address) -> bool:
    return address.kind is Kind.SQLITE and not os.path.exists(address.path)


@contextmanager
def transaction(address: Address) -> Generator[Connection]:
    """Keep out every writer; what the block does is done as a whole or not at all."""
    engine = engine_for(address, migrating=True)
    try:
        with postgres.translated(address), engine.begin() as connection:
            if address.kind is Kind.POSTGRESQL:
                connection.exec_driver_sql(postgres.ONLY_WRITER)
            yield connection
    finally:
        engine.dispose()


def _version(connection: Connection, address: Address) -> str | None:
    if address.kind is Kind.POSTGRESQL:
        return postgres.version_of(connection)
    return version_of(_raw(connection))


def _raw(connection: Connection) -> sqlite3.Connection:
    raw: object = connection.connection.driver_connection
    if not isinstance(raw, sqlite3.Connection):
        raise FailedError("database_failed", "SQLite was opened by another module.")
    return raw


def migrate(connection: Connection, act: Callable[[Config, str], None], to: str) -> None:
    """Run Alembic's `upgrade` or `downgrade` inside the caller's transaction."""
    config = Config()
    config.set_main_option("script_location", MIGRATIONS.replace("%", "%%"))
    config.attributes["connection"] = connection
    act(config, to)


def _copy_aside(address: Address, suffix: str) -> str:
    """Copy a SQLite database, as last committed, to a free name beside it."""
    base = f"{address.path}.{suffix}"
    target, number = Path(base), 1
    while target.exists():
        number += 1
        target = Path(f"{base}-{number}")
    fresh = Path(f"{target}.{os.getpid()}")
    fresh.unlink(missing_ok=True)
    source, copy = open_file(address.path), sqlite3.connect(fresh)
    try:
        with translated(str(fresh)):
            source.backup(copy)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise
    finally:
        copy.close()
        source.close()
    fresh.rename(target)
    return str(target)


def _damage(connection: Connection) -> list[str]:
    findings = [
        f"SQLite finds damage: {message}."
        for (message,) in connection.exec_driver_sql("PRAGMA integrity_check(10)")
        if message != "ok"
    ]
    for table, row, other, _ in connection.exec_driver_sql("PRAGMA foreign_key_check").fetchmany(
        10
    ):
        findings.append(f"Row {row} of {table} points to a row of {other} that is gone.")
    return findings


def _differences(connection: Connection) -> list[str]:
    context = MigrationContext.configure(
        connection,
        opts={
            "version_table": VERSION_TABLE,
            "include_name": _is_ours,
        },
    )
    return [
        f"The schema differs from this program's: {_difference(one)}."
        for one in compare_metadata(context, metadata)
    ]


def _is_ours(name: str | None, kind: str, _: object) -> bool:
    """Leave out the tables of an application that shares the database."""
    return kind != "table" or name in versions.TABLES


def _difference(found: object) -> str:
    return " ".join(str(found).split())


def _open_guards(connection: Connection) -> list[str]:
    dialect = connection.dialect.name
    query = (
        "SELECT name FROM sqlite_master WHERE type = 'trigger'"
        if dialect == "sqlite"
        else "SELECT tgname FROM pg_trigger WHERE tgrelid = to_regclass('ledger') "
        "AND tgenabled <> 'D'"
    )
    present = {str(name) for (name,) in connection.exec_driver_sql(query)}
    wanted = [guard.split()[2] for guard in LEDGER_GUARDS[dialect] if " TRIGGER " in guard]
    return [f"The ledger's guard {name} is missing." for name in sorted(set(wanted) - present)]


def _chain(connection: Connection) -> list[str]:
    ours: cells.Connection = (
        SqliteConnection(_raw(connection))
        if connection.dialect.name == "sqlite"
        else postgres.PostgresConnection(connection)
    )
    broken = first_break(SqlSession(ours).events())
    return [] if broken is None else [f"The ledger's chain breaks at event {broken}."]
