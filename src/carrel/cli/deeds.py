"""What clean-up did, as a table and as JSON."""

from typing import TYPE_CHECKING

from carrel.cli.output import Output
from carrel.cli.plain import record
from carrel.cli.table import Cell, Column
from carrel.cli.wording import count, shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from carrel.control.retention import Deed


def deeds_document(deeds: "Sequence[Deed]", *, dry_run: bool) -> dict[str, object]:
    """Return what was done, or would be."""
    return {
        "dry_run": dry_run,
        "actions": [record(deed) for deed in deeds],
        "bytes_freed": sum(deed.bytes_freed for deed in deeds),
    }


def show_deeds(out: Output, deeds: "Sequence[Deed]", *, dry_run: bool) -> None:
    """Print what was done, or would be."""
    if not deeds:
        out.line("There is nothing to do.")
        return
    style = out.style
    columns = [Column("ACTION"), Column("WHAT"), Column("RESULT"), Column("WHY", shrinks=True)]
    rows = [
        [
            Cell(deed.action),
            Cell(shown(deed.subject), style.bold),
            _result(out, deed, dry_run=dry_run),
            Cell(shown(deed.detail or deed.reason)),
        ]
        for deed in deeds
    ]
    out.table(columns, rows)
    freed = sum(deed.bytes_freed for deed in deeds) / 1e6
    verb = "would be freed" if dry_run else "freed"
    out.line(f"{count(len(deeds), 'action')}, {freed:,.1f} MB {verb}.")


def _result(out: Output, deed: "Deed", *, dry_run: bool) -> Cell:
    if deed.done:
        return Cell("done", out.style.green)
    if dry_run and not deed.detail:
        return Cell("would be done", out.style.yellow)
    return Cell("refused", out.style.red)
