"""Opening a fleet for one command: its policies, with what options lay over their settings."""

import sys
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from carrel.cli.output import Output
from carrel.cli.style import Style

if TYPE_CHECKING:
    from carrel.control.fleet.context import FleetContext

Tables = Mapping[str, Mapping[str, object]]
_NONE: Tables = {}


@contextmanager
def opened_fleet(
    out: Output, *, verbose: bool = False, laid_over: Tables = _NONE, config: str | None = None
) -> Generator["FleetContext"]:
    """Give a command the fleet that the settings name; nothing is sent before it asks.

    Args:
        out: Where what a person should know is said.
        verbose: Everything that is done is told on standard error and logged.
        laid_over: Tables of policies, laid over those of the settings; each puts its policy
            into force for this command.
        config: Another settings file, whose policies are tried instead.

    Raises:
        BadInputError: As `bootstrap.open_fleet`.
        RefusedError: `policy_switched_off` when the settings switch off what the command needs.
    """
    from carrel import bootstrap

    ctx = bootstrap.open_fleet(verbose=verbose, say=_said(out))
    try:
        if config is not None:
            ctx.policies = bootstrap.policies(bootstrap.settings_of(config))
        if laid_over:
            ctx.lay_over(laid_over)
        if verbose:
            _tell_everything(ctx)
        yield ctx
    finally:
        ctx.close()


def opened_freezer(*, verbose: bool = False) -> "FleetContext":
    """Give a command what freezes and unfreezes: the database alone."""
    from carrel import bootstrap

    ctx = bootstrap.open_freezer()
    if verbose:
        _tell_everything(ctx)
    return ctx


def _said(out: Output) -> "_Say":
    return _Say(out.as_json)


class _Say:
    """Says a sentence on standard error, where no document is asked for."""

    def __init__(self, quiet: bool) -> None:
        self._quiet = quiet

    def __call__(self, sentence: str) -> None:
        if not self._quiet:
            print(sentence, file=sys.stderr)  # noqa: T201 - a person asked


def _tell_everything(ctx: "FleetContext") -> None:
    log, style = ctx.log, Style.of(sys.stderr)

    def told(action: str, facts: Mapping[str, object]) -> None:
        known = {name: value for name, value in facts.items() if value not in ("", None, [])}
        known.pop("level", None)
        line = " ".join(f"{name}={value}" for name, value in known.items())
        print(style.dim(f"{action}  {line}"), file=sys.stderr)  # noqa: T201 - a person asked
        log(action, facts)

    ctx.log = told
