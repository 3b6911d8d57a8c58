"""`carrel conflicts`: predict conflicts between open workspaces."""

from typing import TYPE_CHECKING, Annotated

import typer

from carrel.cli.declaring import command, group
from carrel.cli.opening import opened
from carrel.cli.options import Json, Project, Workspaces
from carrel.cli.output import Output
from carrel.cli.plain import record
from carrel.cli.wording import count, shown

if TYPE_CHECKING:
    from carrel.git.merging.predict import Prediction

app = group()


@command(
    app,
    "carrel conflicts                            all open workspaces of the project",
    "carrel conflicts agent-1 agent-2",
    "carrel conflicts --into main --json",
)
def conflicts(
    names: Workspaces = None,
    into: Annotated[
        str | None,
        typer.Option(metavar="BRANCH", help="Target; else where most of them started."),
    ] = None,
    project: Project = None,
    as_json: Json = False,
) -> None:
    """Predict conflicts with each other and with the target, and the best order of merging.

    Nothing is merged. Each workspace is saved first, so unsaved work counts.
    """
    from carrel.control import prediction, projects, workspaces
    from carrel.control.finding import find_active
    from carrel.domain.workspaces import State
    from carrel.system import identity

    out = Output(as_json=as_json)
    with opened() as ctx, out.working("Comparing the workspaces"):
        if names:
            chosen = [find_active(ctx, name) for name in names]
        else:
            project_id = projects.find(ctx, project, cwd=identity.folder()).project_id
            listed = workspaces.listing(ctx, project_id=project_id)
            chosen = [one for one in listed if one.state is State.ACTIVE]
        found = prediction.predict(ctx, chosen, into=into)
    out.document(record(found))
    _tell(out, found)


def _tell(out: Output, found: "Prediction") -> None:
    style = out.style
    if not found.order:
        out.line("No workspace is open.")
        return
    for clash in (*found.pairs, *found.against_target):
        out.line(
            f"{style.yellow('!')} {style.bold(clash.first)} and {style.bold(clash.second)}: "
            f"{count(len(clash.conflicts), 'conflict')}"
        )
        for one in clash.conflicts:
            out.line(f"    {shown(one.path)} {style.dim(f'({one.kind})')}")
    if not found.pairs and not found.against_target:
        out.line(f"{style.green('✓')} No conflicts among {count(len(found.order), 'workspace')}.")
    for name in found.unrelated:
        out.line(f"{style.red('✗')} {name} shares no history with {found.target}.")
    out.line(f"Merge in this order: {style.cyan(' '.join(found.order))}")
