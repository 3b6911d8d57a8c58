"""A checkpoint as JSON."""

from carrel.cli.plain import record
from carrel.domain.results import CommitInfo


def commit_document(made: CommitInfo) -> dict[str, object]:
    """Return a checkpoint under the names of the public API."""
    skipped = [{"path": path, "reason": reason} for path, reason in made.skipped]
    return {**record(made), "skipped": skipped}
