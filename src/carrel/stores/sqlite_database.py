"""A SQLite database: its idle connections, its first use, its transactions."""

import os
import sqlite3
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from time import monotonic

from carrel.errors import FailedError, RefusedError
from carrel.stores import schema_file, statements
from carrel.stores.addresses import Address
from carrel.stores.revisions import HEAD
from carrel.stores.sqlite import (
    PATIENCE_SECONDS,
    SqliteConnection,
    open_file,
    transaction,
    translated,
)
from carrel.stores.versions import refuse_foreign, refuse_unknown
from carrel.system import faults
from carrel.system.clock import SystemClock

Upgrade = Callable[[Address], None]

_PAUSE_SECONDS = 0.005

_inherited: list[sqlite3.Connection] = []
"""Connections of a process this one was forked from: using or closing them would do harm."""


class SqliteDatabase:
    """Safe for threads (a connection serves one at a time), processes and forks.

    Args:
        address: Which file.
        upgrade: Brings a database of an older program to this program's schema.
    """

    def __init__(self, address: Address, upgrade: Upgrade) -> None:
        self._address = address
        self._upgrade = upgrade
        self._path = address.path
        self._idle: list[sqlite3.Connection] = []
        self._owner = os.getpid()
        self._ready = False
        self._thread = threading.local()

    @contextmanager
    def writing(self) -> Generator[SqliteConnection]:
        """Keep all other writers out until the block ends."""
        if getattr(self._thread, "writing", False):
            raise FailedError(
                "nested_transaction",
                "A writing transaction was opened inside another one, and would wait for ever.",
                cure="Please report this; it is a mistake in the program.",
            )
        self._thread.writing = True
        try:
            with self._connection() as raw, transaction(raw, "BEGIN IMMEDIATE"):
                yield SqliteConnection(raw)
                faults.point("stores.commit")
        finally:
            self._thread.writing = False

    @contextmanager
    def reading(self) -> Generator[SqliteConnection]:
        """See one state of the database, and change nothing, until the block ends."""
        with self._connection() as raw:
            raw.execute("PRAGMA query_only = ON")
            try:
                with transaction(raw, "BEGIN"):
                    yield SqliteConnection(raw)
            finally:
                raw.execute("PRAGMA query_only = OFF")

    def close(self) -> None:
        """Close the idle connections."""
        self._forget_inherited()
        while self._idle:
            self._idle.pop().close()

    @contextmanager
    def _connection(self) -> Generator[sqlite3.Connection]:
        self._forget_inherited()
        with translated(self._path):
            try:
                raw = self._idle.pop()
            except IndexError:
                raw = self._opened()
            try:
                yield raw
            finally:
                if raw.in_transaction:  # not even ROLLBACK worked: closing does it
                    raw.close()
                else:
                    self._idle.append(raw)

    def _forget_inherited(self) -> None:
        if self._owner != os.getpid():
            _inherited.extend(self._idle)
            self._idle, self._owner = [], os.getpid()

    def _opened(self) -> sqlite3.Connection:
        raw = open_file(self._path)
        if not self._ready:
            try:
                prepare(raw, self._address, self._upgrade)
            except BaseException:
                raw.close()
                raise
            self._ready = True
        return raw


def version_of(raw: sqlite3.Connection) -> str | None:
    """Return the revision of the schema, None without any."""
    try:
        row = raw.execute(statements.SCHEMA_VERSION).fetchone()
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_ERROR:  # no such table
            return None
        raise
    return None if row is None else str(row[0])


def prepare(raw: sqlite3.Connection, address: Address, upgrade: Upgrade) -> None:
    """Bring a database that was just opened to the schema that this program knows."""
    version = version_of(raw)
    if version is None:
        _create(raw, address)
    elif version != HEAD:
        refuse_unknown(version, address)
        upgrade(address)


def _create(raw: sqlite3.Connection, address: Address) -> None:
    set_wal(raw)
    with transaction(raw, "BEGIN IMMEDIATE"):
        if version_of(raw) is not None:  # another process was quicker
            return
        found = raw.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        refuse_foreign({str(name) for (name,) in found}, address)
        for statement in schema_file.statements():
            raw.execute(statement)
            faults.point("stores.create")
        raw.execute(statements.STAMP, {"version": HEAD})


def set_wal(raw: sqlite3.Connection) -> None:
    """Let readers and a writer work at once; kept in the file, so once is enough.

    Raises:
        RefusedError: `database_unshared`.
    """
    clock, patience = SystemClock(), monotonic() + PATIENCE_SECONDS
    mode = ""
    while not mode:
        try:
            (mode,) = raw.execute("PRAGMA journal_mode = WAL").fetchone()
        except sqlite3.OperationalError as error:
            # This lock is not waited for by SQLite itself when many start at once.
            busy = error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY
            if not busy or monotonic() > patience:
                raise
            clock.wait(_PAUSE_SECONDS)
    if mode != "wal":
        raise RefusedError(
            "database_unshared",
            "The database's folder can't be shared by processes.",
            why=f"SQLite answers with journal mode {mode!r} instead of 'wal'.",
            cure="Put CARREL_HOME on a local disk, or use PostgreSQL (database.url).",
        )
