"""The reference page of the command line, made from the help pages themselves.

`python -m carrel.cli.reference > docs/reference/command-line.md` writes it anew; a test
compares.
"""

from typing import TYPE_CHECKING

import typer
from typer.main import get_command

from carrel.cli.answers import ANSWERS, WITHIN
from carrel.cli.app import root
from carrel.cli.catalogue import SECTIONS
from carrel.cli.fleets.answers import ANSWERS as FLEETS
from carrel.cli.loading import load

if TYPE_CHECKING:
    from typer._click.core import Command, Context

WIDTH = 80

_TOP = """# The command line

*Made from the help pages: change those, then run
`python -m carrel.cli.reference > docs/reference/command-line.md`.*

## Conventions

- **Workspaces** (`WS`) are named by agent, by workspace id, or by ticket: `carrel show 42`
  finds the agent `ticket-42`. Case does not count.
- **Projects**: without `--project` it is the one that holds the current folder, else the
  only one registered.
- **`--json`**: one JSON document on standard output and nothing else. Moments are ISO 8601
  in UTC. A byte of a path that is not UTF-8 is a lone surrogate, `\\udcNN`, which
  `os.fsencode` in Python turns back into the byte.
- **Errors** go to standard error: what failed, why, the cure; with `--json` as
  `{"error": {"code", "message", "cure"}}`. Codes are stable.
- **Widths** follow the terminal; nothing is cut in a pipe. `NO_COLOR` is honoured.
- **Times** are shown in your zone, which is named.

| exit code | means |
|---|---|
| 0 | done |
| 1 | failed, or something is broken (`doctor`, `db check`, `ledger verify`) |
| 2 | wrong usage or settings |
| 3 | conflicts are left for a person |
| 4 | a limit was reached |
| 5 | not found |
| 6 | refused for safety |
| 130, 141 | interrupted; nobody reads the output any more |

`carrel exec` and `carrel shell` end with the exit code of what they ran; 126 and 127 say that
it could not be started, 128 + n that signal n ended it.

Settings come from `carrel.toml` and the environment: see `carrel config show`. State lives
under `CARREL_HOME` (`~/.local/share/carrel` when it is not set).

"""


def page() -> str:
    """Return the page as Markdown."""
    parts = [_TOP, _block("carrel", get_command(root), None)]
    for title, commands in SECTIONS.items():
        parts.append(f"## {title}\n\n")
        for name in commands:
            parts.append(f"### carrel {name}\n\n")
            parts.append(_pages(name))
    parts.append(_answers())
    return "".join(parts).rstrip() + "\n"


def _answers() -> str:
    text = "## What `--json` answers\n\nFields keep their names and meanings; new ones may come.\n"
    for title, table in (("command", {**ANSWERS, **FLEETS}), ("inside", WITHIN)):
        rows = [f"| `{name}` | {_code(fields)} |" for name, fields in table.items()]
        text += "\n".join(["", f"| {title} | fields |", "|---|---|", *rows, ""])
    return text


def _code(fields: str) -> str:
    return ", ".join(f"`{field}`" for field in fields.split())


def _pages(name: str) -> str:
    top = load(name)
    context = _context(top, f"carrel {name}", None)
    text = _block(f"carrel {name}", top, None)
    for sub, command in getattr(top, "commands", {}).items():
        text += _block(sub, command, context)
    return text


def _block(called: str, command: "Command", parent: "Context | None") -> str:
    return f"```text\n{_context(command, called, parent).get_help()}\n```\n\n"


def _context(command: "Command", called: str, parent: "Context | None") -> "Context":
    return typer.Context(
        command,
        info_name=called,
        parent=parent,
        terminal_width=WIDTH - 2,
        help_option_names=["-h", "--help"],
    )


if __name__ == "__main__":
    typer.echo(page(), nl=False)
