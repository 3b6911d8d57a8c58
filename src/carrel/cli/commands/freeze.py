"""`carrel freeze`: let no policy act any more, at once."""

from carrel.cli.declaring import command, group
from carrel.cli.fleets.options import Reason, Verbose
from carrel.cli.options import Json
from carrel.cli.output import Output
from carrel.cli.plain import record
from carrel.cli.wording import moment, shown

app = group()


@command(app, "carrel freeze", 'carrel freeze --reason "release night"')
def freeze(reason: Reason = "", verbose: Verbose = False, as_json: Json = False) -> None:
    """Freeze everything: nothing is stopped and no policy acts, in all processes at once.

    A plan under way ends before its next action. Needs the database alone: no connection, no
    token, no valid policy. Freezing again changes nothing.
    """
    from carrel.cli.fleets.opening import opened_freezer
    from carrel.control.fleet import freezing

    out = Output(as_json=as_json)
    found = freezing.freeze(opened_freezer(verbose=verbose), reason)
    out.document(record(found))
    why = f": {shown(found.reason)}" if found.reason else "."
    out.line(
        f"{out.style.blue('❄')} Everything is frozen since {moment(found.at)}"
        f" by {shown(found.by)}{why}"
    )
    out.line(f"  To end it: {out.style.cyan('carrel unfreeze')}")
