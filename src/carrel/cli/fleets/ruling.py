"""Policies that are known, and what a check found in them, as a person reads it."""

from typing import TYPE_CHECKING

from carrel.cli.fleets.paragraphs import paragraph
from carrel.cli.output import Output
from carrel.cli.table import Cell, Column
from carrel.cli.wording import count, shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from carrel.bootstrap import KnownPolicy
    from carrel.domain.governance.verdicts import Finding

_STATES = {
    "always": "in force",
    "on": "in force",
    "off": "switched off",
    "unset": "no table",
}


def known_document(known: "KnownPolicy") -> dict[str, object]:
    """Return a policy that is known."""
    return {
        "name": known.name,
        "summary": known.summary,
        "in_force": known.state in {"always", "on"},
        "state": known.state,
        "keeps": known.keeps,
        "needs": sorted(known.needs),
        "settings": dict(known.table),
    }


def show_known(out: Output, known: "Sequence[KnownPolicy]", *, settings: bool = False) -> None:
    """Print the policies that are known; on demand with what carrel.toml says of them."""
    style = out.style
    paints = {"always": style.green, "on": style.green, "off": style.yellow, "unset": style.dim}
    columns = [Column("POLICY"), Column("STATE"), Column("WHAT IT DOES", shrinks=True)]
    out.table(columns, [
        [
            Cell(shown(one.name), style.bold if one.state in {"always", "on"} else None),
            Cell(_STATES[one.state], paints[one.state]),
            Cell(shown(one.summary)),
        ]
        for one in known
    ])  # fmt: skip
    out.line()
    if settings:
        _show_settings(out, known)
    if any(one.state == "unset" for one in known):
        text = "A table [policy.NAME] in carrel.toml puts a policy into force."
        paragraph(out, f"{style.green('→')} ", text)


def _show_settings(out: Output, known: "Sequence[KnownPolicy]") -> None:
    for one in known:
        if one.table:
            out.line(out.style.bold(shown(f"[policy.{one.name}]")))
        for key, value in one.table.items():
            paragraph(out, f"{shown(key)} = ", shown(str(value)), indent=4)
    if any(one.table for one in known):
        out.line()


def show_findings(out: Output, found: "Sequence[Finding]", *, offline: bool) -> None:
    """Print what a check found, the worst first."""
    style = out.style
    marks = {"error": style.red("✗"), "warning": style.yellow("!")}
    for one in found:
        place = ".".join(part for part in (one.policy, one.rule) if part)
        mark = marks.get(one.severity, style.dim("-"))
        paragraph(out, f"{mark} {style.bold(shown(place))}: ", shown(one.message), indent=4)
        if one.cure:
            paragraph(out, f"  {style.green('→')} ", shown(one.cure))
    wrong = sum(one.severity == "error" for one in found)
    doubts = sum(one.severity == "warning" for one in found)
    if found:
        out.line()
    mark = style.red("✗") if wrong else style.green("✓")
    seen = "the settings alone were looked at" if offline else "the fleet was looked at, too"
    out.line(f"{mark} {count(wrong, 'error')}, {count(doubts, 'warning')}; {seen}.")
