"""What the options of a report ask for."""

from carrel.domain.records import dataclass


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the options of one command line ask for."""

    organizations: tuple[str, ...]
    groups: tuple[str, ...]
    users: tuple[str, ...]
    templates: tuple[str, ...]
    everything: bool
    sort: str
    limit: int
    csv: bool
    html: str | None
    verbose: bool
    as_json: bool
    since: str | None = None
    until: str | None = None
