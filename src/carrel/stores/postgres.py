"""PostgreSQL, by SQLAlchemy: many machines share one database."""

import re
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import cache

from sqlalchemy import Connection, Engine, exc

from carrel.errors import CarrelError, FailedError
from carrel.stores import statements
from carrel.stores.addresses import Address
from carrel.stores.cells import Cell, utc
from carrel.stores.revisions import HEAD, VERSION_TABLE
from carrel.stores.versions import refuse_foreign, refuse_older, refuse_unknown
from carrel.system import faults

_PARAMETER = re.compile(r":(\w+)")

# One writer at a time, as on SQLite: limits are counted and the ledger is chained without gaps,
# and no transaction ever has to be tried again. Writers hold it for a millisecond or two.
ONLY_WRITER = "SELECT pg_advisory_xact_lock(4841370182)"


@cache
def _translated_sql(statement: str) -> str:
    return _PARAMETER.sub(r"%(\1)s", statement)


class PostgresConnection:
    """A connection, as sessions need it."""

    def __init__(self, raw: Connection) -> None:
        self._raw = raw

    def rows(self, statement: str, values: Mapping[str, Cell]) -> Sequence[Sequence[object]]:
        """Run a query."""
        found = self._raw.exec_driver_sql(_translated_sql(statement), dict(values))
        return [tuple(row) for row in found]

    def run(self, statement: str, values: Mapping[str, Cell]) -> int:
        """Run a change."""
        return self._raw.exec_driver_sql(_translated_sql(statement), dict(values)).rowcount

    def run_many(self, statement: str, values: Sequence[Mapping[str, Cell]]) -> None:
        """Run one change many times."""
        if values:
            self._raw.exec_driver_sql(_translated_sql(statement), [dict(one) for one in values])

    def moment(self, at: datetime) -> Cell:
        """Return a moment in UTC without zone."""
        return utc(at)


class PostgresDatabase:
    """Safe for threads, processes, forks and machines."""

    def __init__(self, address: Address, engine: Engine) -> None:
        self._address = address
        self._engine = engine
        self._ready = False

    @contextmanager
    def writing(self) -> Generator[PostgresConnection]:
        """Keep all other writers out until the block ends."""
        with self._connection() as raw, raw.begin():
            raw.exec_driver_sql(ONLY_WRITER)
            if not self._ready:
                self._prepare(raw)
            yield PostgresConnection(raw)
            faults.point("stores.commit")
        self._ready = True

    @contextmanager
    def reading(self) -> Generator[PostgresConnection]:
        """See one state of the database, and change nothing, until the block ends."""
        if not self._ready:
            with self.writing():
                pass
        with self._connection() as raw:
            snapshot = raw.execution_options(
                isolation_level="REPEATABLE READ", postgresql_readonly=True
            )
            with snapshot.begin():
                yield PostgresConnection(snapshot)

    def close(self) -> None:
        """Close the idle connections."""
        self._engine.dispose()

    @contextmanager
    def _connection(self) -> Generator[Connection]:
        with translated(self._address), self._engine.connect() as raw:
            yield raw

    def _prepare(self, raw: Connection) -> None:
        version = version_of(raw)
        if version is not None:
            refuse_unknown(version, self._address)
            refuse_older(version, self._address)
            return
        create(raw, self._address)


def version_of(raw: Connection) -> str | None:
    """Return the revision of the schema, None without any."""
    table = raw.exec_driver_sql(f"SELECT to_regclass('{VERSION_TABLE}')").scalar()
    if table is None:
        return None
    found = raw.exec_driver_sql(statements.SCHEMA_VERSION).scalar()
    return None if found is None else str(found)


def create(raw: Connection, address: Address) -> None:
    """Make all tables in an empty database, in the caller's transaction."""
    # The tables are SQLAlchemy's most costly import; only a new database needs them.
    from carrel.stores.tables import metadata  # noqa: PLC0415

    found = raw.exec_driver_sql(
        "SELECT tablename FROM pg_tables WHERE schemaname = current_schema()"
    )
    refuse_foreign({str(name) for (name,) in found}, address)
    metadata.create_all(raw, checkfirst=False)
    raw.exec_driver_sql(_translated_sql(statements.STAMP), {"version": HEAD})


@contextmanager
def translated(address: Address) -> Generator[None]:
    """Turn SQLAlchemy's errors into ours; their texts are kept, passwords are not in them."""
    try:
        yield
    except exc.DBAPIError as error:
        raise _translation(address, error) from None
    except exc.NoSuchModuleError:
        raise _driver_missing(address) from None
    except exc.SQLAlchemyError as error:
        raise FailedError(
            "database_failed",
            f"The database {address} could not be used.",
            why=f"{type(error).__name__}: {error}.",
            cure="Run `carrel db check`; if it finds nothing, please report this.",
        ) from None


def _translation(address: Address, error: exc.DBAPIError) -> CarrelError:
    why = " ".join(str(error.orig).split())
    state = str(getattr(error.orig, "sqlstate", None) or "")
    for start, (code, what, cure) in _MEANING.items():
        if state.startswith(start):
            return FailedError(code, f"The database {address} {what}.", why=why, cure=cure)
    if isinstance(error, exc.OperationalError):
        return FailedError(
            "database_unreachable",
            f"The database {address} does not answer.",
            why=why,
            cure="Check that it runs, and the address and password in database.url.",
        )
    return FailedError(
        "database_failed",
        f"The database {address} refused a statement.",
        why=why,
        cure="Run `carrel db check`; if it finds nothing, please report this.",
    )


def _driver_missing(address: Address) -> FailedError:
    return FailedError(
        "driver_missing",
        f"The driver for {address} is not installed.",
        cure="Run `pip install 'carrel[postgres]'`.",
    )


_MEANING = {
    "23": (
        "database_refused",
        "refused a row that breaks a rule",
        "Please report this; it is a mistake in the program, and nothing was changed.",
    ),
    "53": ("database_full", "has no room or no connections left", "Free some, then try again."),
    "55P03": (
        "database_busy",
        "was kept by another process for 60 seconds",
        "Look into pg_stat_activity for a transaction that hangs, then try again.",
    ),
    "25006": ("database_unwritable", "is read-only", "Use the primary server's address."),
    "42501": (
        "database_unwritable",
        "does not let this user do that",
        "Grant the user CREATE and USAGE on the schema, and ownership of Carrel's tables.",
    ),
}
