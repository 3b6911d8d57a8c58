"""`carrel config`: show the settings, or import them."""

import json
from typing import Annotated

import typer

from carrel.cli.declaring import command, group
from carrel.cli.fleets.paragraphs import paragraph
from carrel.cli.options import DryRun, Json
from carrel.cli.output import Output
from carrel.cli.table import Cell, Column
from carrel.cli.wording import count, shown

app = group(
    "Show the settings, or import them.",
    "carrel config show",
    "carrel config import agents_config.json --dry-run",
    'nano "$(carrel config path)"',
)


@command(app, "carrel config show", "carrel config show --json", name="show")
def show(as_json: Json = False) -> None:
    """Tell each setting, its value, and where it came from. Passwords are never shown."""
    from carrel import bootstrap

    out = Output(as_json=as_json)
    described = bootstrap.settings().describe()
    out.document({"settings": [one._asdict() for one in described]})
    style = out.style
    rows = [
        [
            Cell(one.key, style.bold),
            Cell(_value(one.value)),
            Cell(shown(one.origin), style.dim if one.origin == "default" else style.cyan),
            Cell(one.meaning, style.dim),
        ]
        for one in described
    ]
    columns = [
        Column("SETTING"),
        Column("VALUE", shrinks=True),
        Column("FROM", shrinks=True),
        Column("MEANS", shrinks=True),
    ]
    out.table(columns, rows)


@command(
    app,
    "carrel config import agents_config.json --dry-run",
    "carrel config import agents_config.json",
    "carrel config import config/base.yaml",
    name="import",
)
def import_(
    file: Annotated[
        str,
        typer.Argument(
            metavar="FILE", help="An agents_config.json, or YAML with a block 'workspace:'."
        ),
    ],
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Take the settings of an agents_config.json or a YAML file into carrel.toml.

    Tells what each key became. What carrel.toml says otherwise stays, comments too. A key of an
    agents_config.json that is not known is refused, and nothing is changed.
    """
    from carrel import bootstrap

    out = Output(as_json=as_json)
    planned = bootstrap.settings_import(file)
    became = planned.became()
    if not dry_run:
        planned.write()
    out.document(
        {
            "dry_run": dry_run,
            "target": planned.target,
            "settings": {one["key"]: one["value"] for one in became if one["key"]},
            "unknown": planned.unknown,
            "became": became,
        }
    )
    number = count(len({one["key"] for one in became if one["key"]}), "setting")
    verb = "would be written" if dry_run else "written"
    out.line(f"{out.style.green('✓')} {number} {verb} to {planned.target}")
    for one in became:
        _tell(out, one)
    for key in planned.unknown:
        out.line(f"  {out.style.yellow('unknown, left out')} {shown(key)}")


def _tell(out: Output, one: dict[str, object]) -> None:
    style, source, note = out.style, str(one["from"]), str(one["note"])
    given = style.dim(f"{shown(source)} = {shown(json.dumps(one['given'], ensure_ascii=False))}  →")
    if not one["key"]:
        paragraph(out, f"  {given}  ", style.dim(note), indent=6)
        return
    becomes = f"{one['key']} = {_value(one['value'])}"
    out.line(f"  {becomes}" if one["key"] == source else f"  {given}  {becomes}")
    if note:
        paragraph(out, f"    {style.yellow('!')} ", note, indent=6)


@command(app, "carrel config path", name="path")
def path(as_json: Json = False) -> None:
    """Print where the settings file is, or would be."""
    from carrel import bootstrap

    out = Output(as_json=as_json)
    file = bootstrap.settings_file()
    out.document({"path": file})
    out.line(file)


def _value(value: object) -> str:
    return shown(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
