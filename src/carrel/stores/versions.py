"""What to say of a database whose schema isn't ours, or not of this program's age."""

from carrel.errors import FailedError, RefusedError
from carrel.stores.addresses import Address
from carrel.stores.revisions import HEAD, KNOWN

TABLES = frozenset(
    {
        "agent_workspaces",
        "bill_lines",
        "freezes",
        "keep_alives",
        "leases",
        "ledger",
        "merge_conflict_resolutions",
        "observations",
        "plan_actions",
        "plans",
        "projects",
        "running_time",
        "warnings",
        "workspace_commits",
    }
)


def refuse_unknown(version: str, address: Address) -> None:
    """Refuse a database that a newer program has changed."""
    if version not in KNOWN:
        raise RefusedError(
            "database_newer",
            f"The database {address} is newer than this program.",
            why=f"Its schema is {version!r}; this program knows {HEAD!r} and older ones.",
            cure="Update Carrel (`pip install --upgrade carrel`), or point database.url to "
            "another database.",
        )


def refuse_older(version: str, address: Address) -> None:
    """Refuse to use a shared database that was not upgraded yet."""
    if version != HEAD:
        raise RefusedError(
            "database_older",
            f"The database {address} is older than this program.",
            why=f"Its schema is {version!r}; this program needs {HEAD!r}. A shared database is "
            "never changed without being asked.",
            cure="Save a copy (pg_dump), then run `carrel db upgrade`.",
        )


def refuse_foreign(present: set[str], address: Address) -> None:
    """Refuse a database without our schema that has tables of the same names."""
    clash = sorted(present & TABLES)
    if clash:
        raise RefusedError(
            "database_foreign",
            f"The database {address} belongs to another program.",
            why=f"It has tables that Carrel did not make: {', '.join(clash)}.",
            cure="Give Carrel a database of its own (or a schema, on PostgreSQL: add "
            "?options=-csearch_path%3Dcarrel to the address).",
        )


def missing(address: Address) -> FailedError:
    """Return the error for a database without any schema where one is needed."""
    return FailedError(
        "database_empty",
        f"The database {address} holds nothing of Carrel's.",
        cure="Run `carrel db upgrade`.",
    )
