"""The front for a fleet: see its workspaces, stop some, take a run back, freeze everything."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import timedelta
from types import TracebackType
from typing import ClassVar, Self

from carrel.api.results import RunResults, applied, planned
from carrel.bootstrap import Database, open_fleet
from carrel.control.fleet import (
    applying,
    deciding,
    emergency,
    freezing,
    governing,
    observing,
    plans,
    stopping,
    undoing,
    warning,
)
from carrel.control.fleet.context import FleetContext
from carrel.domain.fleet.deployment import Deployment
from carrel.domain.fleet.workspaces import Build, FleetWorkspace
from carrel.domain.governance.acting import Freeze
from carrel.domain.governance.plans import Plan, Purpose
from carrel.errors import CarrelError

Tables = Mapping[str, Mapping[str, object]]
_NONE: Tables = {}


class WorkspaceController:
    """Sees and changes the workspaces of the Coder deployment that the settings name.

    The agents inherit from it. Whatever changes something goes by a plan: stored, checked
    against fresh facts, kept within `[safety]`, followed to its end, and undone by `undo`.
    Workspaces are named `owner/name`, by name alone where that is unique, or by id.

    Args:
        db: A `DatabaseService`; None takes the one of the settings.
        verbose: Log everything, whatever the settings say.

    Raises:
        BadInputError: `bad_coder_url`, `bad_policy`, `extra_missing`.
        RefusedError: `policy_switched_off` when the settings switch off what an agent is for.
    """

    POLICIES: ClassVar[tuple[str, ...]] = ()
    """Policies that are in force for it even without a table in the settings."""

    def __init__(self, db: Database | None = None, *, verbose: bool = False) -> None:
        self._ctx: FleetContext = open_fleet(store=db, verbose=verbose)
        try:
            if self.POLICIES:
                self._ctx.lay_over(self._own_tables())
        except CarrelError:
            self._ctx.close()
            raise

    # --- seeing ------------------------------------------------------------------------------

    def validate_connection(self) -> Deployment:
        """Ask the deployment what it is, what it offers, and what the token may not do.

        Raises:
            FailedError: `fleet_unreachable`, `token_refused`.
        """
        return self._ctx.fleet.deployment()

    def get_workspaces(self) -> list[FleetWorkspace]:
        """Return all workspaces that the token may see, dormant ones too."""
        return list(observing.observe(self._ctx).workspaces)

    def get_running_workspaces(self) -> list[FleetWorkspace]:
        """Return the workspaces that run."""
        return [one for one in self.get_workspaces() if one.running]

    def get_workspace(self, name: str) -> FleetWorkspace:
        """Return one workspace as it is now.

        Raises:
            NotFoundError: `unknown_fleet_workspace`.
            BadInputError: `ambiguous_workspace`.
        """
        return observing.find(self._ctx, name)

    def get_template_mapping(self) -> dict[str, str]:
        """Return the names of the templates, by id."""
        templates = observing.recent(self._ctx).templates.values()
        return {one.template_id: one.name for one in templates}

    def get_build(self, build_id: str) -> Build:
        """Return a build as it is now: how far it is, and what it said when it failed."""
        return self._ctx.fleet.build(build_id)

    # --- stopping, and taking it back ---------------------------------------------------------

    def stop_workspace(self, name: str, reason: str = "", *, dry_run: bool = False) -> RunResults:
        """Stop one workspace; the same as `stop_workspaces` with one name."""
        return self.stop_workspaces([name], reason, dry_run=dry_run)

    def stop_workspaces(
        self, names: Iterable[str], reason: str = "", *, dry_run: bool = False
    ) -> RunResults:
        """Stop workspaces by name, as fast as `[safety]` allows.

        What a policy keeps (exclusions, keep-alives, a working task) is held back.

        Args:
            names: Which.
            reason: Why, for the ledger.
            dry_run: Only tell what would be done.

        Raises:
            NotFoundError: `unknown_fleet_workspace`; nothing is stopped then.
            RefusedError: `frozen`, `plan_too_large`.
        """
        made = stopping.plan(self._ctx, names, reason)
        return self._carried_out(self._ctx, made, dry_run=dry_run)

    def emergency_stop(
        self, reason: str = "", *, include_excluded: bool = False, dry_run: bool = False
    ) -> RunResults:
        """Stop the whole fleet in order, prebuilds paused first.

        Raises:
            RefusedError: `emergency_stop_disabled`, `frozen`.
        """
        made = emergency.plan(self._ctx, reason, include_excluded=include_excluded)
        return self._carried_out(self._ctx, made, dry_run=dry_run)

    def apply(self, plan_id: str) -> RunResults:
        """Go on with a plan, as far as may be done now; safe to repeat."""
        return applied(applying.apply(self._ctx, plan_id))

    def undo(self, plan_id: str, *, dry_run: bool = False) -> RunResults:
        """Take a plan back: start what it stopped, put clocks and dormancy back.

        Raises:
            NotFoundError: `unknown_plan`.
            RefusedError: `too_late_to_undo`, `plan_under_way`.
        """
        if dry_run:
            return planned(undoing.plan(self._ctx, plan_id))
        return self._carried_out(self._ctx, undoing.undo(self._ctx, plan_id), dry_run=False)

    def freeze(self, reason: str = "") -> Freeze:
        """Let nothing be stopped any more, in all processes at once, until `unfreeze`."""
        return freezing.freeze(self._ctx, reason)

    def unfreeze(self) -> Freeze | None:
        """End the freeze; return the one that was in force."""
        return freezing.unfreeze(self._ctx)

    def close(self) -> None:
        """Close the connections; they are opened again when needed."""
        self._ctx.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    # --- for those that inherit ---------------------------------------------------------------

    def _with(self, tables: Tables = _NONE) -> FleetContext:
        """Return the context with tables laid over policies; the fleet has just been seen."""
        observing.observe(self._ctx)
        if not tables:
            return self._ctx
        ctx = replace(self._ctx)
        ctx.lay_over({**self._own_tables(), **tables})
        return ctx

    def _own_tables(self) -> dict[str, dict[str, object]]:
        return {name: {} for name in self.POLICIES}

    def _run(
        self, ctx: FleetContext, purpose: Purpose, *, dry_run: bool, force: bool = False
    ) -> RunResults:
        """Plan what this agent's policies want now, and carry it out."""
        if not dry_run:
            ctx.thaw()
        names = frozenset((*self.POLICIES, *ctx.laid_over))
        horizon = timedelta() if dry_run else governing.horizon(ctx)
        made = deciding.plan(ctx, purpose, policies=names, force=force, horizon=horizon)
        return self._carried_out(ctx, made, dry_run=dry_run)

    def _carried_out(self, ctx: FleetContext, made: Plan, *, dry_run: bool) -> RunResults:
        if dry_run:
            return planned(made)
        if not made.actions:
            return replace(planned(made), dry_run=False)
        stored = plans.store(ctx, made)
        warning.warn(ctx, stored)
        return applied(applying.apply(ctx, stored.plan_id))
