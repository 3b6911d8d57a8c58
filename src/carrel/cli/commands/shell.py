"""`carrel shell`: open the person's shell in a workspace."""

import os
import tempfile

import typer

from carrel.cli.commands.exec import held_run
from carrel.cli.declaring import command, group
from carrel.cli.opening import opened
from carrel.cli.options import Json, Workspace
from carrel.cli.output import Output

app = group()


@command(app, "carrel shell agent-1", "SHELL=/bin/zsh carrel shell agent-1")
def shell(workspace: Workspace, as_json: Json = False) -> None:
    """Open your shell in a workspace; its prompt begins with the workspace's name.

    The workspace is yours until you leave. CARREL_WORKSPACE names it for your scripts.
    """
    from carrel.control.finding import find_active
    from carrel.system import terminal

    out = Output(as_json=as_json)
    with opened() as ctx, tempfile.TemporaryDirectory(prefix="carrel-shell-") as folder:
        found = find_active(ctx, workspace)
        out.line(
            f"You are in {out.style.bold(found.agent_id)}, on {out.style.cyan(found.branch_name)}. "
            "Leave with 'exit'."
        )
        command = with_hint(terminal.shell(), found.agent_id, folder, terminal.home())
        done = held_run(ctx, found, command, holder="a shell")
    out.document(
        {
            "workspace_id": found.workspace_id,
            "agent_id": found.agent_id,
            "exit_code": done.code,
        }
    )
    raise typer.Exit(done.code)


def with_hint(program: str, name: str, folder: str, home: str) -> list[str]:
    """Return the command that starts a shell with a workspace's name in its prompt.

    The person's own start-up file is read first; a shell we don't know starts as it is.

    Args:
        program: The shell.
        name: A checked name; nothing in it means anything to a shell.
        folder: For a start-up file of ours, kept while the shell runs.
        home: The person's home folder.
    """
    match os.path.basename(program):
        case "bash":
            _write(f"{folder}/bashrc", _BASH.format(home=home, name=name))
            return [program, "--rcfile", f"{folder}/bashrc", "-i"]
        case "zsh":
            _write(f"{folder}/.zshrc", _ZSH.format(home=home, name=name))
            return ["env", f"ZDOTDIR={folder}", program, "-i"]
        case "fish":
            return [program, "--init-command", _FISH.format(name=name)]
        case _:
            return [program]


_BASH = '[ -r "{home}/.bashrc" ] && . "{home}/.bashrc"\nPS1="({name}) $PS1"\n'
_ZSH = (
    'ZDOTDIR="{home}"\n[ -r "$ZDOTDIR/.zshrc" ] && . "$ZDOTDIR/.zshrc"\nPROMPT="({name}) $PROMPT"\n'
)
_FISH = (
    "functions -c fish_prompt _carrel_prompt; "
    "function fish_prompt; echo -n '({name}) '; _carrel_prompt; end"
)


def _write(file: str, text: str) -> None:
    with open(file, "w", encoding="utf-8", errors="surrogateescape") as opened_file:
        opened_file.write(text)
