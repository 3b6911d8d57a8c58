"""The address of a database: read, completed, and shown without its password."""

from enum import StrEnum

from carrel.domain.records import dataclass
from carrel.errors import BadInputError

_POSTGRES = ("postgres", "postgresql", "postgresql+psycopg")


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
    """Return an address with its passwords replaced by `***`."""
    scheme, mark, rest = url.partition("://")
    login, at, place = rest.rpartition("@")
    user, colon, _ = login.partition(":")
    place, question, query = place.partition("?")
    shown = "&".join(_masked_pair(pair) for pair in query.split("&"))
    return f"{scheme}{mark}{user}{colon and ':***'}{at}{place}{question}{shown}"


def _masked_pair(pair: str) -> str:
    name, equals, _ = pair.partition("=")
    return f"{name}{equals}***" if "password" in name.lower() else pair


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
    scheme, mark, rest = url.partition("://")
    if mark and scheme in _POSTGRES:
        return Address(Kind.POSTGRESQL, f"postgresql+psycopg://{rest}")
    raise BadInputError(
        "bad_database_url",
        f"{masked(url)!r} is no address of a database that Carrel can use.",
        why="A database in memory can't be shared by processes."
        if url.startswith("sqlite:")
        else "",
        cure="Write sqlite:///FILE (a fourth slash begins an absolute path), or "
        "postgresql://USER:PASSWORD@HOST:PORT/DATABASE.",
    )
