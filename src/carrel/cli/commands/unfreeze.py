"""`carrel unfreeze`: end the freeze."""

from carrel.cli.declaring import command, group
from carrel.cli.fleets.options import Verbose
from carrel.cli.options import Json
from carrel.cli.output import Output
from carrel.cli.plain import plain
from carrel.cli.wording import moment, shown

app = group()


@command(app, "carrel unfreeze")
def unfreeze(verbose: Verbose = False, as_json: Json = False) -> None:
    """End the freeze. Nothing happens by that alone: the next pass looks at the fleet anew."""
    from carrel.cli.fleets.opening import opened_freezer
    from carrel.control.fleet import freezing

    out = Output(as_json=as_json)
    was = freezing.unfreeze(opened_freezer(verbose=verbose))
    out.document({"was_frozen": was is not None, "freeze": plain(was)})
    if was is None:
        out.line("Nothing was frozen.")
        return
    out.line(f"{out.style.green('✓')} The freeze of {moment(was.at)} by {shown(was.by)} has ended.")
