"""`carrel merge`: merge a workspace."""

from typing import TYPE_CHECKING, Annotated

import typer

from carrel.cli.declaring import command, group
from carrel.cli.opening import opened
from carrel.cli.options import DryRun, Json, Workspace
from carrel.cli.output import Output
from carrel.cli.plain import record
from carrel.cli.rules import chosen
from carrel.cli.wording import brief, count, shown
from carrel.domain.conflicts import Side, Strategy

if TYPE_CHECKING:
    from carrel.domain.conflicts import Settlement
    from carrel.domain.results import MergeResult

app = group()

CONFLICTS_LEFT = 3


@command(
    app,
    "carrel merge agent-1 --dry-run",
    "carrel merge agent-1 --into main",
    "carrel merge agent-1 --strategy child --rule 'docs/**=union'",
    "carrel merge agent-1 --kind 'modify/delete=fail' --tie parent",
    "carrel merge agent-1 --push                  a project registered by URL",
)
def merge(
    workspace: Workspace,
    *,
    into: Annotated[
        str | None,
        typer.Option(metavar="BRANCH", help="Target; else its parent's, or where it started."),
    ] = None,
    strategy: Annotated[
        Strategy | None,
        typer.Option(
            metavar="STRATEGY",
            help="newest_file_wins, child, parent, union, fail or command; else the setting.",
        ),
    ] = None,
    rule: Annotated[
        list[str] | None,
        typer.Option(metavar="GLOB=S", help="Strategy for the paths that match; repeatable."),
    ] = None,
    kind: Annotated[
        list[str] | None,
        typer.Option(metavar="KIND=S", help="Strategy for a kind of conflict; repeatable."),
    ] = None,
    tie: Annotated[
        Side | None,
        typer.Option(metavar="child|parent", help="Who wins when both sides are equally new."),
    ] = None,
    push: Annotated[bool, typer.Option("--push", help="Push the target to its remote.")] = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Merge a workspace's present state, unsaved work included, without a line lost.

    What loses is kept under a reference that the answer names. Kinds of conflict: content,
    add/add, modify/delete, rename/delete, rename/rename 1to2, rename/rename 2to1, rename/add,
    file/directory, directory rename, binary, mode, type, submodule. Ends with 3 and changes
    nothing when conflicts are left for a person.
    """
    from carrel.control import merging, projects
    from carrel.control.finding import find_active

    out = Output(as_json=as_json)
    with opened() as ctx, out.working(f"Merging {workspace}"):
        found = find_active(ctx, workspace)
        rules = chosen(ctx.config.rules, strategy, rule or [], kind or [], tie)
        request = merging.MergeRequest(into=into, rules=rules, dry_run=dry_run, push=push)
        result = merging.merge(ctx, found, request)
        vault = ctx.place(found).vault
        project = projects.by_id(ctx, found.project_id).name
    out.document({**record(result), "dry_run": dry_run, "kept_in": vault})
    _tell(out, found.agent_id, result, dry_run=dry_run)
    show_settlements(out, result.settlements, None if dry_run else vault)
    if result.conflicts_left:
        out.line(
            f"  Settle them by rules ({out.style.cyan('--strategy, --rule, --kind')}), or merge "
            f"{result.merged_to} in the workspace by hand, then try again ({project})."
        )
        raise typer.Exit(CONFLICTS_LEFT)


def _tell(out: Output, name: str, result: "MergeResult", *, dry_run: bool) -> None:
    style, target = out.style, out.style.bold(result.merged_to)
    if result.conflicts_left:
        left = count(len(result.conflicts_left), "conflict")
        out.line(f"{style.yellow('!')} {name} was not merged into {target}: {left} left.")
        for path in result.conflicts_left:
            why = result.why_left.get(path)
            told = f": {shown(why)}" if why else ""
            out.line(f"  {style.yellow('left')} {shown(path)}{told}")
        return
    verb = "would be merged" if dry_run else "is merged"
    settled = count(result.total_conflicts, "conflict")
    how = f", {settled} settled" if result.total_conflicts else ""
    pushed = ", pushed" if result.pushed else ""
    where = f"{target} is at" if dry_run else "now"
    tip = style.cyan(brief(result.commit_sha))
    out.line(f"{style.green('✓')} {name} {verb} into {target}{how}{pushed} ({where} {tip}).")


def show_settlements(out: Output, settlements: "tuple[Settlement, ...]", vault: str | None) -> None:
    """Print how each conflict was settled, and how to see what lost (if it is kept already)."""
    style = out.style
    for one in settlements:
        winner = str(one.winner) if one.winner else "both"
        out.line(
            f"  {style.bold(shown(one.path))} ({one.kind}): {style.green(winner)} — {one.reason}"
        )
    lost = next(((one, version) for one in settlements for version in one.losing), None)
    if lost is not None and vault is not None:
        one, version = lost
        command_line = f"git --git-dir={vault} show {one.kept_ref}:{shown(version.path)}"
        out.line(f"  See what lost: {style.cyan(command_line)}")
