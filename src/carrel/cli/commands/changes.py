"""`carrel changes`: show what a workspace changed."""

from typing import Annotated

import typer

from carrel.cli.declaring import command, group
from carrel.cli.opening import opened
from carrel.cli.options import Json, Workspace
from carrel.cli.output import Output
from carrel.cli.plain import record
from carrel.cli.style import Style
from carrel.cli.wording import brief, count, shown
from carrel.domain.results import WorkspaceChanges

app = group()


@command(
    app,
    "carrel changes agent-1                       since it was made",
    "carrel changes agent-1 --diff | less -R",
    "carrel changes agent-1 --since main --json",
)
def changes(
    workspace: Workspace,
    since: Annotated[
        str | None,
        typer.Option(
            metavar="REV", help="Commit to compare with; else the start.", show_default=False
        ),
    ] = None,
    diff: Annotated[bool, typer.Option("--diff", help="Show the lines too.")] = False,
    as_json: Json = False,
) -> None:
    """Show what a workspace changed, committed or not."""
    from carrel.control import changes as control
    from carrel.control.finding import find_active

    out = Output(as_json=as_json)
    with opened() as ctx, out.working(f"Reading {workspace}"):
        found = control.changes(ctx, find_active(ctx, workspace), since=since, diff=diff)
    out.document(
        {
            **record(found),
            "files_renamed": [{"from": old, "to": new} for old, new in found.files_renamed],
            "files_copied": [{"from": old, "to": new} for old, new in found.files_copied],
        }
    )
    for line in _lines(found, out.style):
        out.line(line)


def _lines(found: WorkspaceChanges, style: Style) -> list[str]:
    since = brief(found.since_commit) if found.since_commit else "the start"
    if not found.total_changes:
        return [f"Nothing differs from {since}."]
    listed = [
        *((style.green("A"), shown(path)) for path in found.files_created),
        *((style.yellow("M"), shown(path)) for path in found.files_modified),
        *((style.red("D"), shown(path)) for path in found.files_deleted),
        *((style.blue("R"), f"{shown(a)} → {shown(b)}") for a, b in found.files_renamed),
        *((style.blue("C"), f"{shown(a)} → {shown(b)}") for a, b in found.files_copied),
    ]
    more = style.green(f"+{found.stats.get('insertions', 0):,}")
    less = style.red(f"-{found.stats.get('deletions', 0):,}")
    summary = f"{count(found.total_changes, 'file')} since {since}: {more} {less} lines"
    diff = _painted(found.detailed_diff, style) if found.detailed_diff else []
    return [*(f"{mark} {text}" for mark, text in listed), summary, *diff]


def _painted(diff: str, style: Style) -> list[str]:
    paints = {"+": style.green, "-": style.red, "@": style.cyan}
    lines = diff.rstrip("\n").split("\n")
    return ["", *(paints.get(line[:1], str)(shown_line(line)) for line in lines)]


def shown_line(line: str) -> str:
    """Return a line of a diff, safe on a terminal, with its tabs."""
    return "\t".join(shown(part) for part in line.split("\t"))
