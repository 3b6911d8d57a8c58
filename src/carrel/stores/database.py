"""The database service: what the rest of Carrel, and applications around it, open."""

from collections.abc import Generator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Protocol

from carrel.stores.addresses import Address, Kind, address_of
from carrel.stores.cells import Connection
from carrel.stores.session import SqlSession
from carrel.stores.sqlite_database import SqliteDatabase

if TYPE_CHECKING:
    from sqlalchemy import Engine
    from sqlalchemy.orm import Session


class _Database(Protocol):
    def writing(self) -> AbstractContextManager[Connection]: ...
    def reading(self) -> AbstractContextManager[Connection]: ...
    def close(self) -> None: ...


class DatabaseService:
    """Opens transactions on one database; safe for threads, processes and forks.

    Nothing is opened before the first transaction. A SQLite file that does not exist is made; an
    empty PostgreSQL database gets its tables.

    Args:
        url: `sqlite:///FILE` or `postgresql://USER:PASSWORD@HOST:PORT/DATABASE`.

    Raises:
        BadInputError: `bad_database_url`.
    """

    def __init__(self, url: str) -> None:
        self.address: Address = address_of(url)
        self._database: _Database | None = None
        self._engine: Engine | None = None

    def __repr__(self) -> str:
        return f"DatabaseService({str(self.address)!r})"

    @contextmanager
    def writing(self) -> Generator[SqlSession]:
        """Open a transaction that sees and keeps out every other writer.

        It commits when the block ends, and leaves no trace when the block raises.

        Raises:
            RefusedError: `database_newer`, `database_older` (PostgreSQL), `database_foreign`.
            FailedError: `database_busy`, `database_full`, `database_unwritable`,
                `database_unreachable`, `database_damaged`, `nested_transaction`.
        """
        with self._opened().writing() as connection:
            yield SqlSession(connection)

    @contextmanager
    def reading(self) -> Generator[SqlSession]:
        """Open a read-only transaction that sees one state of the database.

        Raises:
            RefusedError: As for `writing`.
            FailedError: As for `writing`.
        """
        with self._opened().reading() as connection:
            yield SqlSession(connection)

    @contextmanager
    def get_session(self) -> Generator["Session"]:
        """Open an SQLAlchemy session on the same database, for an application's own tables.

        It commits when the block ends and rolls back when the block raises; the block may commit
        by itself as well. On SQLite it keeps other writers out like `writing`, so keep it short.
        Carrel's own tables are in `carrel.stores.tables`; change them through Carrel only.
        """
        with self.reading():  # the schema is there, and fits
            pass
        from sqlalchemy.orm import Session  # noqa: PLC0415 - 300 ms, only for those who ask

        with Session(self.engine()) as session:
            try:
                yield session
                session.commit()
            except BaseException:
                session.rollback()
                raise

    def engine(self) -> "Engine":
        """Return the SQLAlchemy engine on this database, made when first asked for."""
        if self._engine is None:
            from carrel.stores.engines import engine_for  # noqa: PLC0415 - as above

            self._engine = engine_for(self.address)
        return self._engine

    def close(self) -> None:
        """Close the idle connections; the next transaction opens new ones."""
        if self._database is not None:
            self._database.close()
        if self._engine is not None:
            self._engine.dispose()

    def _opened(self) -> _Database:
        if self._database is None:
            if self.address.kind is Kind.SQLITE:
                self._database = SqliteDatabase(self.address, _upgrade)
            else:
                from carrel.stores.postgres import PostgresDatabase  # noqa: PLC0415 - SQLAlchemy

                self._database = PostgresDatabase(self.address, self.engine())
        return self._database


def _upgrade(address: Address) -> None:
    from carrel.stores.schema import upgrade_file  # noqa: PLC0415 - Alembic takes 400 ms

    upgrade_file(address)
