"""The address of a database: read, completed, and shown without its password."""

import re
from dataclasses import dataclass
from enum import StrEnum

from carrel.errors import BadInputError

_PASSWORD = re.compile(r"(?<=://)([^/@?#]*?):(.*)@(?=[^@]*$)", re.DOTALL)
_QUERY_PASSWORD = re.compile(r"([?&](?:ssl)?password=)[^&]*")
_POSTGRES = re.compile(r"(?:postgres|postgresql)(?:\+psycopg)?(?=://)")


class Kind(StrEnum):
    """Which database it is."""

    SQLITE = "sqlite"
    POSTGRESQL = "postgresql"


@dataclass(frozen=True, slots=True, repr=False)
class Address:
    """Where a database is.

    Attributes:
        kind: SQLite or PostgreSQL.
        url: For SQLAlchemy; may hold a password, so never print it.
        path: The file of a SQLite database, else empty.
    """

    kind: Kind
    url: str
    path: str = ""

    def __str__(self) -> str:
        return self.path or masked(self.url)

    def __repr__(self) -> str:
        return f"Address({str(self)!r})"


def masked(url: str) -> str:
    """Return an address with its password replaced by `***`."""
    return _QUERY_PASSWORD.sub(r"\1***", _PASSWORD.sub(r"\1:***@", url))


def address_of(url: str) -> Address:
    """Read a database address.

    Args:
        url: `sqlite:///FILE`, or `postgresql://USER:PASSWORD@HOST:PORT/DATABASE`.

    Raises:
        BadInputError: `bad_database_url`.
    """
    if url.startswith("sqlite:///"):
        path = url.removeprefix("sqlite:///")
        if path and not path.startswith(("?", ":memory:")):
            return Address(Kind.SQLITE, url, path)
    if _POSTGRES.match(url):
        return Address(Kind.POSTGRESQL, _POSTGRES.sub("postgresql+psycopg", url, count=1))
    raise BadInputError(
        "bad_database_url",
        f"{masked(url)!r} is no address of a database that Carrel can use.",
        why="A database in memory can't be shared by processes."
        if url.startswith("sqlite:")
        else "",
        cure="Write sqlite:///FILE (a fourth slash begins an absolute path), or "
        "postgresql://USER:PASSWORD@HOST:PORT/DATABASE.",
    )
