"""`carrel exec`: run a command in a workspace."""

from typing import TYPE_CHECKING, Annotated

import typer

from carrel.cli.declaring import command, group
from carrel.cli.opening import opened
from carrel.cli.options import Json, Workspace
from carrel.cli.output import Output
from carrel.errors import FailedError

if TYPE_CHECKING:
    from carrel.control.context import Context
    from carrel.domain.workspaces import Workspace as Found
    from carrel.system.processes import Done

app = group()

NOT_STARTABLE, NOT_THERE = 126, 127


@command(
    app,
    "carrel exec agent-1 -- make test",
    "carrel exec agent-1 -- git log --oneline",
    "carrel exec agent-1 --json -- pytest -q",
)
def exec_(
    workspace: Workspace,
    program: Annotated[
        list[str],
        typer.Argument(metavar="-- CMD...", help="Command and arguments.", show_default=False),
    ],
    holder: Annotated[
        str | None, typer.Option(help="Who sits there; else the command.", show_default=False)
    ] = None,
    as_json: Json = False,
) -> None:
    """Run a command in a workspace, and end with its exit code.

    The workspace is held while it runs: one occupant at a time. Standard input is yours,
    signals are passed on. With --json its output becomes part of the document.
    """
    from carrel.control.finding import find_active

    out = Output(as_json=as_json)
    with opened() as ctx:
        found = find_active(ctx, workspace)
        done = held_run(ctx, found, program, holder=holder, capture=as_json)
    out.document(
        {
            "workspace_id": found.workspace_id,
            "agent_id": found.agent_id,
            "command": program,
            "exit_code": done.code,
            "stdout": done.out.decode(errors="replace"),
            "stderr": done.err.decode(errors="replace"),
        }
    )
    raise typer.Exit(done.code)


def held_run(
    ctx: "Context",
    workspace: "Found",
    command: list[str],
    *,
    holder: str | None = None,
    capture: bool = False,
) -> "Done":
    """Run a command in a workspace while holding it.

    Raises:
        FailedError: `program_missing` or `program_refused`, with the exit codes of shells.
    """
    from carrel.control.occupancy import inside, occupied
    from carrel.system.foreground import environment, stand_in

    with occupied(ctx, workspace, holder or " ".join(command)[:60]):
        argv, cwd = inside(ctx, workspace, command)
        extra = {"CARREL_WORKSPACE": workspace.agent_id, **({"PWD": cwd} if cwd else {})}
        try:
            return stand_in(argv, env=environment(extra), cwd=cwd, capture=capture)
        except (FileNotFoundError, NotADirectoryError) as error:
            raise _unstartable(command[0], "program_missing", error, NOT_THERE) from error
        except OSError as error:
            raise _unstartable(command[0], "program_refused", error, NOT_STARTABLE) from error


def _unstartable(program: str, code: str, error: OSError, exit_code: int) -> FailedError:
    failed = FailedError(
        code,
        f"{program!r} can't be started in the workspace.",
        why=f"{error.strerror}.",
        cure="Check its name, and that it is on the PATH and may be executed.",
    )
    failed.exit_code = exit_code
    return failed
