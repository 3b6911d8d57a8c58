"""Upgrades and downgrades with data, and what is refused, on both databases."""

from collections.abc import Callable
from datetime import datetime
from functools import partial
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect
from tests.forks import at_once

from carrel.domain.checkpoints import Checkpoint
from carrel.domain.conflicts import ConflictKind, Settlement, Side, Strategy, Version
from carrel.domain.ledger import first_break
from carrel.domain.projects import Project
from carrel.domain.workspaces import Workspace
from carrel.errors import CarrelError, NotFoundError, RefusedError
from carrel.stores import (
    governance_statements,
    history_statements,
    schema,
    schema_file,
    statements,
)
from carrel.stores.database import DatabaseService
from carrel.stores.revisions import HEAD, KNOWN, VERSION_TABLE
from carrel.stores.tables import metadata
from carrel.stores.versions import TABLES

SETTLED = Settlement(
    "a", ConflictKind.CONTENT, Strategy.CHILD, Side.CHILD, (Version("a", "100644", "1" * 40),), (),
    "refs/carrel/lost/m-1/parent", "The child wins.",
)  # fmt: skip


def _run(db: DatabaseService, statement: str) -> None:
    with db.engine().begin() as connection:
        connection.exec_driver_sql(statement)


def _shape(db: DatabaseService) -> object:
    """Return all that makes up a schema, in words that don't depend on the order of its making."""
    with db.engine().connect() as connection:
        if db.address.kind == "sqlite":
            rows = connection.exec_driver_sql("SELECT name, sql FROM sqlite_master").fetchall()
            return {
                name: sorted(line.strip(" ,\t") for line in str(sql).splitlines())
                for name, sql in rows
            }
        looking = inspect(connection)
        here = "current_schema()::regnamespace"
        queries = (
            (
                "SELECT tgname, pg_get_triggerdef(oid) FROM pg_trigger "
                "WHERE tgrelid = to_regclass('ledger')"
            ),
            f"SELECT proname, prosrc FROM pg_proc WHERE pronamespace = {here}",
            (
                "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint "
                f"WHERE connamespace = {here}"
            ),
            "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = current_schema()",
        )
        columns = {
            (table, column["name"], str(column["type"]), column["nullable"])
            for table in looking.get_table_names()
            for column in looking.get_columns(table)
        }
        return [columns, *(sorted(connection.exec_driver_sql(query).all()) for query in queries)]


def _migrated(db: DatabaseService) -> None:
    """Bring an empty database to the head by migrations alone."""
    with db.reading():
        pass
    schema.downgrade(db, "base")
    _run(db, f"INSERT INTO {VERSION_TABLE} VALUES ('none')")
    _run(db, f"DELETE FROM {VERSION_TABLE}")
    with schema.transaction(db.address) as connection:
        schema.migrate(connection, command.upgrade, HEAD)


def test_the_program_knows_every_migration() -> None:
    script = ScriptDirectory(schema.MIGRATIONS)
    assert tuple(one.revision for one in reversed(list(script.walk_revisions()))) == KNOWN
    assert script.get_current_head() == HEAD


def test_a_new_database_is_what_all_migrations_make(db: DatabaseService) -> None:
    with db.reading():
        pass
    made = _shape(db)
    _migrated(db)
    assert _shape(db) == made
    with db.engine().connect() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
        assert compare_metadata(context, metadata) == []
    assert schema.check(db) == []


def test_every_column_of_the_statements_is_in_the_tables() -> None:
    pairs = {
        "projects": (statements.PROJECT, {"name_key", "removed"}),
        "agent_workspaces": (
            statements.WORKSPACE,
            {"agent_key", "branch_key", "working_directory"},
        ),
        "workspace_commits": (statements.CHECKPOINT, set[str]()),
        "merge_conflict_resolutions": (
            statements.SETTLEMENT,
            {"position", "workspace_id", "created_at"},
        ),
        "leases": (statements.LEASE, set[str]()),
        "ledger": (statements.EVENT, set[str]()),
        "plans": (governance_statements.PLAN, set[str]()),
        "plan_actions": (governance_statements.ACTION, set[str]()),
        "keep_alives": (governance_statements.KEEP, set[str]()),
        "freezes": (governance_statements.FREEZE, set[str]()),
        "warnings": (governance_statements.WARNING, set[str]()),
        "observations": (history_statements.RECORD, set[str]()),
        "running_time": (history_statements.RAN, set[str]()),
        "bill_lines": (history_statements.BILLED, set[str]()),
    }
    assert pairs.keys() == TABLES
    for name, (columns, more) in pairs.items():
        assert set(columns) | more == {column.name for column in metadata.tables[name].columns}


def test_every_constraint_and_index_has_a_name() -> None:
    for table in metadata.tables.values():
        assert all(constraint.name for constraint in table.constraints)
        assert all(index.name for index in table.indexes)


def test_the_schema_file_is_what_the_tables_say() -> None:
    told = "write it again: python -m carrel.stores.schema_file"
    assert Path(schema_file.FILE).read_text() == schema_file.text(), told


def test_data_survives_the_way_down_and_up(
    filled: DatabaseService,
    project: Project,
    making: Callable[..., Workspace],
    checkpointing: Callable[..., Checkpoint],
    now: datetime,
) -> None:
    with filled.writing() as session:
        session.add_checkpoint(checkpointing(1))
        session.add_settlements("m-1", "ws-1", [SETTLED], now)
        session.append(now, "me", "a.b", "ws-1", {})
    schema.downgrade(filled, "0001")
    assert schema.current(filled) == "0001"
    assert schema.upgrade(filled) == ("0001", HEAD)
    with filled.writing() as session:
        assert session.projects() == [project]
        assert session.workspaces() == [making(1)]
        assert session.checkpoints("ws-1") == [checkpointing(1)]
        assert session.settlements("ws-1") == []  # what 0001 can't hold
        session.add_settlements("m-1", "ws-1", [SETTLED], now)
        session.append(now, "me", "a.c", "ws-1", {})
        assert first_break(session.events()) is None
    assert schema.check(filled) == []


def test_current_and_upgrade_of_nothing(db: DatabaseService) -> None:
    assert schema.current(db) is None
    assert schema.upgrade(db) == (None, HEAD)
    assert schema.current(db) == HEAD
    assert schema.upgrade(db) == (HEAD, HEAD)


def test_an_unknown_revision_is_no_way_down(filled: DatabaseService) -> None:
    with pytest.raises(NotFoundError):
        schema.downgrade(filled, "9999")


def test_a_newer_database_is_refused_with_the_cure(filled: DatabaseService, url: str) -> None:
    _run(filled, f"UPDATE {VERSION_TABLE} SET version_num = '9999'")
    later = DatabaseService(url)
    for act in (
        lambda: later.reading().__enter__(),
        lambda: later.writing().__enter__(),
        lambda: schema.upgrade(later),
        lambda: schema.check(later),
    ):
        with pytest.raises(RefusedError) as caught:
            act()
        assert caught.value.code == "database_newer"
        assert "Update Carrel" in caught.value.cure
    assert schema.current(later) == "9999"
    later.close()


def test_tables_of_another_program_are_left_alone(db: DatabaseService, tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    _run(db, "CREATE TABLE projects (id INTEGER)")
    with pytest.raises(RefusedError) as caught, db.reading():
        pass
    assert caught.value.code == "database_foreign"
    assert "projects" in caught.value.why
    assert schema.current(db) is None


def test_other_tables_may_share_the_database(db: DatabaseService, tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    _run(db, "CREATE TABLE alembic_version (version_num VARCHAR(32))")
    with db.reading() as session:
        assert session.projects() == []
    assert schema.check(db) == []


def test_check_finds_what_is_wrong(filled: DatabaseService, now: datetime) -> None:
    assert schema.check(filled) == []
    with filled.writing() as session:
        session.append(now, "me", "a.b", "ws-1", {})
    on = "" if filled.address.kind == "sqlite" else " ON ledger"
    if filled.address.kind == "sqlite":
        _run(filled, "DROP TRIGGER ledger_keeps_values")
    _run(filled, f"DROP TRIGGER ledger_keeps_rows{on}")
    _run(filled, "UPDATE ledger SET actor = 'another'")
    _run(filled, "DROP INDEX ix_agent_workspaces_state")
    found = " ".join(schema.check(filled))
    assert "ledger_keeps_rows is missing" in found
    assert "chain breaks at event 1" in found
    assert "ix_agent_workspaces_state" in found


def test_check_names_an_old_schema(filled: DatabaseService) -> None:
    schema.downgrade(filled, "0001")
    assert schema.check(filled) == [f"The schema is 0001, not {HEAD}: run `carrel db upgrade`."]


def test_checking_a_database_without_tables_says_so(db: DatabaseService, tmp_path: Path) -> None:
    assert db.address.kind == "postgresql" or schema.check(db) == []
    (tmp_path / "new").mkdir()
    _run(db, "CREATE TABLE other (id INTEGER)")
    with pytest.raises(CarrelError) as caught:
        schema.check(db)
    assert caught.value.code == "database_empty"


def open_it(url: str) -> int | str:
    """Open a database as another process does, and return what it holds, or why not."""
    try:
        with DatabaseService(url).writing() as session:
            return len(session.workspaces())
    except RefusedError as error:
        return error.code


def test_an_old_database_upgrades_itself_only_where_nobody_else_is_surprised(
    filled: DatabaseService, url: str, tmp_path: Path
) -> None:
    schema.downgrade(filled, "0001")
    filled.close()  # whoever is forked opens connections of his own
    answers = at_once([partial(open_it, url)] * 4)
    if filled.address.kind == "postgresql":
        assert answers == ["database_older"] * 4
        assert schema.upgrade(filled) == ("0001", HEAD)
    else:
        assert answers == [1] * 4
        assert [file.name for file in (tmp_path / "new").glob("*.before-*")] == [
            f"carrel.db.before-{HEAD}"
        ]
        copy = DatabaseService(f"{url}.before-{HEAD}")
        assert schema.current(copy) == "0001"
        copy.close()
    assert schema.current(filled) == HEAD
    with filled.reading() as session:
        assert len(session.workspaces()) == 1
