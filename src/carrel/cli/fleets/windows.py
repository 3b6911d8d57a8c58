"""Where the windows of quiet hours come from, said before anything that stands on them."""

from typing import TYPE_CHECKING

from carrel.cli.fleets.paragraphs import paragraph
from carrel.cli.output import Output
from carrel.cli.plain import record
from carrel.cli.wording import shown

if TYPE_CHECKING:
    from carrel.control.fleet.quieting import Windows


def windows_document(found: "Windows") -> dict[str, object]:
    """Return where the windows come from."""
    return {**record(found), "told": told(found)}


def told(found: "Windows") -> str:
    """Return the sentences that say where the windows come from."""
    rules = "those of carrel.toml" if found.rules else "carrel.toml has none of its own"
    if found.native:
        return f"The deployment keeps quiet hours; they count, and {rules}."
    if str(found.source) == "native":
        return "Windows come from carrel.toml alone: 'native = false' leaves the deployment's out."
    if str(found.source) == "unavailable":
        return "Windows come from carrel.toml alone; whether the deployment keeps some is not seen."
    cause = found.why.partition(". ")[0].rstrip(".")  # what follows tells what comes of it
    told = "Windows come from carrel.toml alone; the deployment offers none."
    return f"{told} {cause}." if cause else told


def show_windows(out: Output, found: "Windows", policy: str) -> None:
    """Print where the windows come from, and the cure where there are none."""
    paragraph(out, "", shown(told(found)))
    if not found.native and not found.rules:
        cure = f"Set 'start' and 'end' in [policy.{policy}] of carrel.toml."
        paragraph(out, f"{out.style.yellow('!')} ", f"No window is set. {cure}")
