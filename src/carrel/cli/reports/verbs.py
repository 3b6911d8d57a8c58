"""The reports as commands of `carrel fleet`: one shape of options for all of them."""

from collections.abc import Callable
from typing import Annotated

import typer

from carrel.cli.declaring import command
from carrel.cli.fleets.options import Verbose
from carrel.cli.options import Json
from carrel.cli.reports.wanted import Wanted
from carrel.domain.records import dataclass

Organizations = Annotated[
    list[str] | None,
    typer.Option("--org", metavar="NAME", help="Of these organizations.", show_default=False),
]
Groups = Annotated[
    list[str] | None,
    typer.Option("--group", metavar="NAME", help="Of users in these groups.", show_default=False),
]
Users = Annotated[
    list[str] | None,
    typer.Option("--user", metavar="NAME", help="Of these users.", show_default=False),
]
Templates = Annotated[
    list[str] | None,
    typer.Option("--template", metavar="NAME", help="Of these templates.", show_default=False),
]
Everything = Annotated[bool, typer.Option("--all", "-a", help="Also what is left out otherwise.")]
Since = Annotated[
    str | None,
    typer.Option(
        "--since", metavar="WHEN", help="From when: 2026-11-01 or 7d.", show_default=False
    ),
]
Until = Annotated[
    str | None,
    typer.Option("--until", metavar="WHEN", help="Until when; else now.", show_default=False),
]
Sort = Annotated[
    str,
    typer.Option(
        "--sort",
        metavar="COLUMN",
        help="By a column as --json names it; -NAME: largest first.",
        show_default=False,
    ),
]
Limit = Annotated[int, typer.Option("--limit", metavar="N", help="So many rows at most.")]
Csv = Annotated[bool, typer.Option("--csv", help="Print CSV.")]
Html = Annotated[
    str | None,
    typer.Option(
        "--html", metavar="FILE", help="Write a page with charts to a file.", show_default=False
    ),
]


@dataclass(frozen=True, slots=True)
class Verb:
    """One report as a command.

    Attributes:
        name: The report's.
        help: What its help page says.
        examples: Command lines, without `carrel fleet` and the name.
        dated: It is about a time: it has --since and --until.
    """

    name: str
    help: str
    examples: tuple[str, ...]
    dated: bool = False


VERBS = (
    Verb(
        "ls",
        "Workspaces that are on, and who is at work.\n\n"
        "--all lists the others, too: stopped, dormant, failed.",
        ("", "--template gpu --sort last_used_at", "--all --csv > fleet.csv"),
    ),
    Verb(
        "audit",
        "Owners, templates, TTLs, stops and last starts.\n\n"
        "Of each workspace that is on; --all audits what is off, too.",
        ("", "--org engineering --sort until_stop", "--html audit.html"),
    ),
    Verb(
        "activity",
        "Who was connected for how long, on which days.\n\n"
        "The last 7 days, unless --since says more. Without a licensed connection "
        "log these are the hours that the deployment counts. "
        "--all lists who was not connected, too.",
        ("", "--since 30d --group developers --html activity.html"),
        dated=True,
    ),
    Verb(
        "last-seen",
        "When each user was last seen, and what they hold.\n\n--all lists service accounts, too.",
        ("", "--sort last_seen_at --limit 20"),
    ),
    Verb(
        "connections",
        "How often each user connected, and by what.\n\nThe last 7 days, unless --since says more.",
        ("", "--since 2026-11-01 --until 2026-11-15"),
        dated=True,
    ),
    Verb(
        "sessions",
        "Who was connected to what, as 'last' tells it.\n\n"
        "The last 7 days, unless --since says more. It reads the connection log: a build that "
        "starts is no session.",
        ("", "--user ada --since 2d"),
        dated=True,
    ),
    Verb(
        "cost",
        "Running hours, and money by the price book.\n\n"
        "Since the month began, unless --since says more. Prices stand in "
        "[policy.budget.prices]. What the deployment counts are credits. "
        "--all lists what did not run, too.",
        ("", "--since 2026-10-01 --until 2026-10-31 --html october.html"),
        dated=True,
    ),
    Verb(
        "outdated",
        "Workspaces whose template has a newer version.",
        ("", "--template python --csv"),
    ),
    Verb(
        "deleted",
        "Workspaces that were deleted, and by whom.\n\nThe last 7 days, unless --since says more.",
        ("", "--since 30d --user ada"),
        dated=True,
    ),
    Verb(
        "dormant",
        "Dormant workspaces, the next deletion first.",
        ("", "--sort dormant_at --limit 20"),
    ),
    Verb(
        "organizations",
        "By organization: what runs, and what is idle.",
        ("", "--all --json"),
    ),
    Verb(
        "compliance",
        "How times to live are kept.\n\n"
        "Only those that are not as they should be; --all lists the others, too.",
        ("", "--all --html compliance.html"),
    ),
)


def add(app: typer.Typer) -> None:
    """Add a command for each report to `carrel fleet`."""
    for verb in VERBS:
        body = _dated(verb.name) if verb.dated else _momentary(verb.name)
        body.__doc__ = verb.help
        examples = (f"carrel fleet {verb.name} {rest}".rstrip() for rest in verb.examples)
        command(app, *examples, name=verb.name)(body)


def _momentary(name: str) -> Callable[..., None]:
    def tell(
        *,
        org: Organizations = None,
        group: Groups = None,
        user: Users = None,
        template: Templates = None,
        everything: Everything = False,
        sort: Sort = "",
        limit: Limit = 0,
        csv: Csv = False,
        html: Html = None,
        verbose: Verbose = False,
        as_json: Json = False,
    ) -> None:
        _tell(name, Wanted(
            tuple(org or ()), tuple(group or ()), tuple(user or ()), tuple(template or ()),
            everything, sort, limit, csv, html, verbose, as_json,
        ))  # fmt: skip

    return tell


def _dated(name: str) -> Callable[..., None]:
    def tell(
        *,
        since: Since = None,
        until: Until = None,
        org: Organizations = None,
        group: Groups = None,
        user: Users = None,
        template: Templates = None,
        everything: Everything = False,
        sort: Sort = "",
        limit: Limit = 0,
        csv: Csv = False,
        html: Html = None,
        verbose: Verbose = False,
        as_json: Json = False,
    ) -> None:
        _tell(name, Wanted(
            tuple(org or ()), tuple(group or ()), tuple(user or ()), tuple(template or ()),
            everything, sort, limit, csv, html, verbose, as_json, since, until,
        ))  # fmt: skip

    return tell


def _tell(name: str, wanted: Wanted) -> None:
    from carrel.cli.reports.telling import tell

    tell(name, wanted)
