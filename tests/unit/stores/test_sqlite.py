"""What only SQLite has: a file on a disk that can be full, read-only, damaged, or opened twice."""

import os
import re
import resource
import sqlite3
import subprocess
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest
from tests.forks import killed_at

from carrel.domain.leases import Lease
from carrel.errors import FailedError, RefusedError
from carrel.stores import schema_file, sqlite, sqlite_database, statements
from carrel.stores.database import DatabaseService

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "home" / "carrel.db"


@pytest.fixture
def db(file: Path) -> DatabaseService:
    return DatabaseService(f"sqlite:///{file}")


def _append(db: DatabaseService, subject: str = "s") -> None:
    with db.writing() as session:
        session.append(NOW, "me", "a.b", subject, {})


def test_nothing_is_opened_before_the_first_transaction(db: DatabaseService, file: Path) -> None:
    db.close()
    assert not file.parent.exists()
    _append(db)
    assert file.exists()


def test_the_whole_way_needs_neither_sqlalchemy_nor_alembic(file: Path) -> None:
    code = """
import sys
from datetime import UTC, datetime
from carrel.settings.loading import load
from carrel.stores.database import DatabaseService
for _ in range(2):  # the first makes the database, the second opens it
    db = DatabaseService(sys.argv[1])
    with db.writing() as session:
        session.append(datetime.now(UTC), "me", "a.b", "s", {})
    with db.reading() as session:
        session.workspaces()
    db.close()
costly = {"sqlalchemy", "alembic", "psycopg", "pydantic", "yaml", "tomlkit", "tomllib", "pathlib"}
print(sorted(costly & sys.modules.keys()))
"""
    done = subprocess.run(
        [sys.executable, "-I", "-c", code, f"sqlite:///{file}"],
        check=True,
        capture_output=True,
        text=True,
    )
    assert done.stdout == "[]\n"


def test_commits_reach_the_disk_and_rows_point_somewhere(db: DatabaseService, file: Path) -> None:
    _append(db)
    raw = sqlite.open_file(str(file))
    assert raw.execute("PRAGMA synchronous").fetchone() == (2,)  # FULL
    assert raw.execute("PRAGMA foreign_keys").fetchone() == (1,)
    assert raw.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    raw.close()


def test_a_folder_that_another_process_makes_meanwhile_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempt = sqlite3.connect

    def connect(path: str, **options: object) -> sqlite3.Connection:
        try:
            return attempt(path, **options)  # type: ignore[call-overload,no-any-return]
        finally:
            (tmp_path / "new").mkdir(exist_ok=True)

    monkeypatch.setattr(sqlite3, "connect", connect)
    db = DatabaseService(f"sqlite:///{tmp_path}/new/carrel.db")
    _append(db)
    db.close()


def test_a_writer_waits_for_another_and_does_not_fail(db: DatabaseService, file: Path) -> None:
    _append(db)
    other = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    waiting = threading.Thread(target=_append, args=(db, "late"))
    waiting.start()
    other.execute("CREATE TABLE early (x)")
    other.execute("COMMIT")
    waiting.join(30)
    other.close()
    with db.reading() as session:
        assert [event.subject for event in session.events()] == ["s", "late"]


def test_a_database_that_stays_busy_is_named(
    db: DatabaseService, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "PATIENCE_SECONDS", 0.05)
    _append(db)
    db.close()
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(FailedError) as caught:
        _append(db)
    other.close()
    assert caught.value.code == "database_busy"
    assert str(file) in caught.value.what


def test_a_writer_inside_a_writer_is_an_error_and_no_deadlock(db: DatabaseService) -> None:
    with pytest.raises(FailedError) as caught, db.writing():
        _append(db)
    assert caught.value.code == "nested_transaction"
    _append(db)


def test_a_damaged_file_is_named(db: DatabaseService, file: Path) -> None:
    file.parent.mkdir()
    file.write_bytes(b"no database at all, but long enough to have a header" * 100)
    with pytest.raises(FailedError) as caught:
        _append(db)
    assert caught.value.code == "database_damaged"


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file")
    with pytest.raises(FailedError) as caught:
        _append(DatabaseService(f"sqlite:///{tmp_path}/home/sub/carrel.db"))
    assert caught.value.code == "database_unwritable"


def test_a_folder_in_the_place_of_the_file_is_named(file: Path, db: DatabaseService) -> None:
    file.mkdir(parents=True)
    with pytest.raises(FailedError) as caught:
        _append(db)
    assert caught.value.code == "database_unwritable"


FILL = """
import resource, signal, sys
from datetime import UTC, datetime
from carrel.errors import CarrelError
from carrel.stores.database import DatabaseService
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))
db = DatabaseService(sys.argv[1])
try:
    for number in range(1000):
        with db.writing() as session:
            session.append(datetime.now(UTC), "me", "a.b", "s", {"n": number, "text": "x" * 5000})
except CarrelError as error:
    print(error.code, number)
"""


@pytest.mark.skipif(not hasattr(resource, "RLIMIT_FSIZE"), reason="no file size limit here")
def test_a_full_disk_is_named_and_loses_nothing(db: DatabaseService, file: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FILL, f"sqlite:///{file}"],
        check=True,
        capture_output=True,
        text=True,
    )
    code, written = done.stdout.split()
    assert code in {"database_full", "database_unreadable"}
    with db.reading() as session:
        assert len(list(session.events())) == int(written) > 0
    _append(db)


@pytest.mark.parametrize(("free", "code"), [(0, "database_full"), (100, "database_unreadable")])
def test_an_error_of_the_disk_where_nothing_is_free_is_a_full_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int, code: str
) -> None:
    """SQLite can't even make the file that its processes share, and says only "I/O error"."""
    facts = SimpleNamespace(f_bavail=free, f_frsize=4096)
    monkeypatch.setattr(os, "statvfs", lambda _: facts)
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorcode = sqlite3.SQLITE_IOERR_SHMSIZE
    with pytest.raises(FailedError) as caught, sqlite.translated(f"{tmp_path}/carrel.db"):
        raise error
    assert caught.value.code == code


def test_a_place_that_cannot_be_shared_is_refused() -> None:
    raw = sqlite3.connect(":memory:", isolation_level=None)
    with pytest.raises(RefusedError) as caught:
        sqlite_database.set_wal(raw)
    raw.close()
    assert caught.value.code == "database_unshared"


@pytest.mark.parametrize("step", [0, 1, 5, len(schema_file.statements()) - 1])
def test_killed_while_it_makes_the_database_the_next_one_makes_it(
    db: DatabaseService, file: Path, step: int
) -> None:
    killed_at(f"stores.create:{step}", lambda: _append(DatabaseService(f"sqlite:///{file}")))
    _append(db)
    with db.reading() as session:
        assert len(list(session.events())) == 1


def test_killed_before_the_commit_nothing_was_written(db: DatabaseService, file: Path) -> None:
    _append(db)
    db.close()  # whoever is forked opens connections of his own
    killed_at("stores.commit", lambda: _append(DatabaseService(f"sqlite:///{file}"), "never"))
    _append(db, "later")
    with db.reading() as session:
        assert [event.subject for event in session.events()] == ["s", "later"]


@pytest.mark.parametrize(
    ("statement", "index"),
    [
        (statements.COUNT_OPEN, "COVERING INDEX ix_agent_workspaces_state"),
        (statements.OPEN_WORKSPACE_OF, "INDEX uq_agent_workspaces_agent_key_open (agent_key=?)"),
        (statements.BRANCH_TAKEN, "INDEX sqlite_autoindex_agent_workspaces_2"),
        (statements.workspaces(of_project=False, states=2), "INDEX ix_agent_workspaces_state"),
        (statements.SETTLEMENTS, "INDEX ix_merge_conflict_resolutions_workspace_id"),
        (statements.CHECKPOINT_OF_ITERATION, "(workspace_id=? AND iteration=?)"),
        (statements.LAST_CHECKPOINT, "(workspace_id=?)"),
        (statements.EVENTS_OF, "INDEX ix_ledger_subject"),
        (statements.EVENTS, "INTEGER PRIMARY KEY"),
    ],
    ids=lambda text: text[:60] if isinstance(text, str) else None,
)
def test_no_statement_costs_what_is_long_gone(
    db: DatabaseService, file: Path, statement: str, index: str
) -> None:
    _append(db)
    raw = sqlite.open_file(str(file))
    values = dict.fromkeys(re.findall(r":(\w+)", statement), "x")
    plan = raw.execute(f"EXPLAIN QUERY PLAN {statement}", values).fetchall()
    raw.close()
    assert index in " ".join(str(row[3]) for row in plan)


def test_idle_connections_are_few_and_closed(db: DatabaseService) -> None:
    for number in range(5):
        _append(db, str(number))
    before = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else None
    db.close()
    if before is not None:
        assert before - len(os.listdir("/proc/self/fd")) == 3  # file, -wal, -shm: one connection
    _append(db)


def test_a_strange_path_works(tmp_path: Path) -> None:
    folder = os.fsdecode(os.fsencode(tmp_path) + b"/odd \xff?#%41 'x'")
    db = DatabaseService(f"sqlite:///{folder}/carrel.db")
    _append(db)
    with db.get_session() as session:
        session.connection()
    assert os.path.exists(f"{folder}/carrel.db")


def test_a_row_that_breaks_a_rule_is_refused(db: DatabaseService) -> None:
    lease = Lease("ws-9", "me", "t", "h", 1, NOW, NOW)
    with pytest.raises(FailedError) as caught, db.writing() as session:
        session.put_lease(lease)
    assert caught.value.code == "database_refused"
