"""Examining this machine and this installation: what works, why not, and the cure."""

import os

from carrel.control import projects
from carrel.control.context import Context
from carrel.control.ledger import verify
from carrel.control.reconcile import reconcile
from carrel.domain.records import dataclass
from carrel.errors import CarrelError
from carrel.git import version
from carrel.system import disk


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at.

    Attributes:
        group: `git`, `drivers`, `state`, `isolation`.
        name: What was looked at.
        ok: True, False, or None where it is neither good nor bad.
        what: One sentence: what was found.
        why: Why it is so, where that helps.
        cure: What makes it better.
    """

    group: str
    name: str
    ok: bool | None
    what: str
    why: str = ""
    cure: str = ""


def examine(ctx: Context) -> list[Check]:
    """Look at git, the drivers, the state folder, the ledger and the isolation."""
    return [*_git(), *_drivers(ctx), *_state(ctx), *_stores(ctx), _isolation()]


def _git() -> list[Check]:
    found = version.installed()
    ok = found >= version.LEAST
    return [
        Check(
            "git",
            "git",
            ok,
            f"git {'.'.join(map(str, found))} is installed.",
            "" if ok else f"Carrel needs {'.'.join(map(str, version.LEAST))} or newer.",
            "" if ok else "Install a newer git.",
        )
    ]


def _drivers(ctx: Context) -> list[Check]:
    os.makedirs(ctx.config.workspace_root, exist_ok=True)
    checks: list[Check] = []
    for told in ctx.ladder.explain(ctx.config.workspace_root):
        words = f"{'chosen; ' if told.chosen else ''}{told.probe.why}"
        works = True if told.probe.works else None
        checks.append(Check("drivers", told.name, works, words, "", told.probe.cure))
    return checks


def _state(ctx: Context) -> list[Check]:
    limits = ctx.config.limits
    free = disk.free_bytes(ctx.config.workspace_root) / 1e9
    enough = free >= limits.disk_threshold_gb
    checks = [
        Check(
            "state",
            "disk",
            enough,
            f"{free:.1f} GB are free; {limits.disk_threshold_gb:g} GB must stay free.",
            cure="" if enough else "Free space with 'carrel gc'.",
        )
    ]
    verdict = verify(ctx)
    checks.append(
        Check(
            "state",
            "ledger",
            verdict.broken_at is None,
            f"The ledger has {verdict.events} events, and its chain holds."
            if verdict.broken_at is None
            else f"The ledger's chain breaks at event {verdict.broken_at}.",
            cure="" if verdict.broken_at is None else "Compare with a backup of the database.",
        )
    )
    findings = reconcile(ctx, dry_run=True)
    checks.append(
        Check(
            "state",
            "agreement",
            not findings,
            "Database, references, folders and mounts agree."
            if not findings
            else f"{len(findings)} things do not agree, the first: {findings[0].what}",
            cure="Run 'carrel reconcile'." if findings else "",
        )
    )
    return checks


def _stores(ctx: Context) -> list[Check]:
    checks: list[Check] = []
    for project in projects.listing(ctx):
        try:
            ctx.stores(project).vault.run("rev-parse", "--git-dir")
            ctx.stores(project).base.run("rev-parse", "--git-dir")
        except CarrelError as error:
            ok, what, why, cure = False, error.what, error.why, error.cure
        else:
            ok, what, why, cure = True, f"They are in {project.home}.", "", ""
        checks.append(Check("state", f"stores of {project.name}", ok, what, why, cure))
    return checks


def _isolation() -> Check:
    return Check(
        "isolation",
        "isolation",
        None,
        "Agents of one user are isolated against accidents, not against malice.",
        "All workspaces run with your own rights.",
        "Run agents that you don't trust as another user, or in a sandbox.",
    )
