"""SQLAlchemy engines: for PostgreSQL, for migrations, and for an application's own tables."""

import os
import sqlite3
import weakref
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL

from carrel.stores.addresses import Address, Kind
from carrel.stores.sqlite import open_file

if TYPE_CHECKING:
    from sqlalchemy.engine.interfaces import DBAPIConnection
    from sqlalchemy.pool import ConnectionPoolEntry

_PATIENCE = "SET lock_timeout = '60s'"


def engine_for(address: Address, *, migrating: bool = False) -> Engine:
    """Return an engine on a database; statements in errors come without their values.

    Args:
        address: Which database.
        migrating: Leave foreign keys unchecked until the end, as SQLite needs where a migration
            builds a table anew.
    """
    if address.kind is Kind.POSTGRESQL:
        engine = create_engine(address.url, pool_pre_ping=True, hide_parameters=True)
        event.listen(engine, "connect", _prepare_postgres)
    else:
        engine = _sqlite_engine(address, migrating=migrating)
    _leave_to_the_parent(engine)
    return engine


def _sqlite_engine(address: Address, *, migrating: bool) -> Engine:
    def connect() -> sqlite3.Connection:
        raw = open_file(address.path)
        if migrating:
            raw.execute("PRAGMA foreign_keys = OFF")
        return raw

    url = URL.create("sqlite", database=address.path)
    engine = create_engine(url, creator=connect, hide_parameters=True)
    event.listen(engine, "begin", _begin_immediate)
    return engine


def _leave_to_the_parent(engine: Engine) -> None:
    """In a forked child, forget the parent's connections without closing them."""
    kept = weakref.ref(engine)

    def forget() -> None:
        inherited = kept()
        if inherited is not None:
            inherited.dispose(close=False)

    os.register_at_fork(after_in_child=forget)


def _begin_immediate(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _prepare_postgres(raw: "DBAPIConnection", _: "ConnectionPoolEntry") -> None:
    cursor = raw.cursor()
    cursor.execute(_PATIENCE)
    cursor.close()
    raw.commit()
