"""SQLite, by the standard library alone: opening a database costs a millisecond, not 250.

Every connection is in autocommit mode and begins its transactions by hand: IMMEDIATE for
writers, so that a writer waits at its start and never fails half-way.
"""

import os
import sqlite3
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime

from carrel.errors import CarrelError, FailedError
from carrel.stores.cells import Cell, utc

PATIENCE_SECONDS = 60.0
"""How long a writer waits for others; a transaction takes about a millisecond."""

_SHARED_BYTES = 64 << 10

# FULL: a commit is on the disk when it returns. NORMAL would save a third of a millisecond and
# could forget the last second's checkpoints, merges and ledger entries at a power cut.
_ON_OPEN = ("PRAGMA foreign_keys = ON", "PRAGMA synchronous = FULL")


class SqliteConnection:
    """A connection, as sessions need it."""

    def __init__(self, raw: sqlite3.Connection) -> None:
        self.raw = raw

    def rows(self, statement: str, values: Mapping[str, Cell]) -> Sequence[Sequence[object]]:
        """Run a query."""
        return self.raw.execute(statement, values).fetchall()

    def run(self, statement: str, values: Mapping[str, Cell]) -> int:
        """Run a change."""
        return self.raw.execute(statement, values).rowcount

    def run_many(self, statement: str, values: Sequence[Mapping[str, Cell]]) -> None:
        """Run one change many times."""
        self.raw.executemany(statement, values)

    def moment(self, at: datetime) -> Cell:
        """Return a moment as SQLAlchemy writes it: sortable text."""
        return utc(at).isoformat(sep=" ", timespec="microseconds")


def open_file(path: str) -> sqlite3.Connection:
    """Open a database file, made if need be, and its folder too."""
    with translated(path):
        try:
            raw = _connect(path)
        except sqlite3.OperationalError:
            folder = os.path.dirname(path)
            if not folder:
                raise
            _make_folder(folder)  # or another process made it since
            raw = _connect(path)
        for pragma in _ON_OPEN:
            raw.execute(pragma)
        return raw


def _connect(path: str) -> sqlite3.Connection:
    _let_companions_be_written(path)
    return sqlite3.connect(
        path,
        timeout=PATIENCE_SECONDS,
        isolation_level=None,
        check_same_thread=False,  # the pool hands a connection to one thread at a time
    )


def _let_companions_be_written(path: str) -> None:
    """Give the log beside a writable database the rights of the database.

    SQLite makes `-wal` and `-shm` with the rights the database has at that moment. If it was
    read-only for a while, they would keep it unwritable for ever.
    """
    if not os.access(path, os.W_OK):
        return
    for companion in (f"{path}-wal", f"{path}-shm"):
        if os.path.exists(companion) and not os.access(companion, os.W_OK):
            with suppress(OSError):  # somebody else's; SQLite will say what it can't do
                os.chmod(companion, os.stat(path).st_mode & 0o777)


def _make_folder(folder: str) -> None:
    try:
        os.makedirs(folder, exist_ok=True)
    except OSError as error:
        raise FailedError(
            "database_unwritable",
            f"The folder of the database, {folder}, can't be made.",
            why=f"{error.strerror}.",
            cure="Make it, or point CARREL_HOME or database.url to a place that can be written.",
        ) from error


@contextmanager
def transaction(raw: sqlite3.Connection, begin: str) -> Generator[None]:
    """Run a block between `begin` and COMMIT, or ROLLBACK when it raises."""
    raw.execute(begin)
    try:
        yield
        raw.execute("COMMIT")
    except BaseException:
        if raw.in_transaction:
            raw.execute("ROLLBACK")
        raise


@contextmanager
def translated(path: str) -> Generator[None]:
    """Turn SQLite's errors into ours."""
    try:
        yield
    except sqlite3.Error as error:
        raise _translation(path, error) from error


def _translation(path: str, error: sqlite3.Error) -> CarrelError:
    # Codes with details in the high bits; an error of the module itself has none.
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code == sqlite3.SQLITE_IOERR and _disk_is_full(path):
        code = sqlite3.SQLITE_FULL
    kind, what, cure = _MEANING.get(
        code,
        (
            "database_failed",
            "refused a statement",
            "Run `carrel db check`; if it finds nothing, please report this.",
        ),
    )
    return FailedError(kind, f"The database {path} {what}.", why=f"SQLite: {error}.", cure=cure)


def _disk_is_full(path: str) -> bool:
    """Tell whether not even the few pages fit that SQLite shares between processes."""
    with suppress(OSError):
        facts = os.statvfs(os.path.dirname(path) or ".")
        return facts.f_bavail * facts.f_frsize < _SHARED_BYTES
    return False


_UNWRITABLE = (
    "database_unwritable",
    "can't be opened or written",
    "Check the permissions of the file and its folder, and that the disk isn't read-only.",
)
_DAMAGED = (
    "database_damaged",
    "is damaged or no SQLite database",
    "Restore it from a copy, or move it aside: `carrel reconcile` reports what it finds on disk.",
)
_BUSY = (
    "database_busy",
    f"was kept by another process for {PATIENCE_SECONDS:.0f} seconds",
    "Look for a stopped or hanging process that has it open, then try again.",
)
_MEANING = {
    sqlite3.SQLITE_BUSY: _BUSY,
    sqlite3.SQLITE_LOCKED: _BUSY,
    sqlite3.SQLITE_READONLY: _UNWRITABLE,
    sqlite3.SQLITE_CANTOPEN: _UNWRITABLE,
    sqlite3.SQLITE_PERM: _UNWRITABLE,
    sqlite3.SQLITE_CONSTRAINT: (
        "database_refused",
        "refused a row that breaks a rule",
        "Please report this; it is a mistake in the program, and nothing was changed.",
    ),
    sqlite3.SQLITE_FULL: (
        "database_full",
        "has no room to grow",
        "Delete something there by hand (build results in a workspace, say); nothing was changed.",
    ),
    sqlite3.SQLITE_IOERR: (
        "database_unreadable",
        "can't be read or written",
        "Look at the disk and at `dmesg`; keep the file away from network folders.",
    ),
    sqlite3.SQLITE_CORRUPT: _DAMAGED,
    sqlite3.SQLITE_NOTADB: _DAMAGED,
}
