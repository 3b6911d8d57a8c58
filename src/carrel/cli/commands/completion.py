"""`carrel completion`: print the script that completes commands."""

from enum import StrEnum
from typing import Annotated

import typer

from carrel.cli.declaring import command, group
from carrel.cli.options import Json
from carrel.cli.output import Output

app = group()


class Shell(StrEnum):
    """The shells that can complete."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"


@command(
    app,
    "carrel completion bash > ~/.local/share/bash-completion/completions/carrel",
    "carrel completion zsh > ~/.zfunc/_carrel",
    "carrel completion fish > ~/.config/fish/completions/carrel.fish",
)
def completion(
    shell: Annotated[
        Shell, typer.Argument(metavar="bash|zsh|fish", help="Your shell.", show_default=False)
    ],
    as_json: Json = False,
) -> None:
    """Print the script that completes commands, options and names of workspaces."""
    from typer._completion_shared import get_completion_script

    out = Output(as_json=as_json)
    script = get_completion_script(
        prog_name="carrel", complete_var="_CARREL_COMPLETE", shell=shell.value
    )
    out.document({"shell": shell.value, "script": script})
    out.line(script)
