"""What is put right when Carrel starts."""

import os

from carrel.control.context import Context
from carrel.control.reconcile import reconcile
from carrel.system import boots

_NOTE = "boot"


def after_boot(ctx: Context) -> None:
    """Reconcile if the machine was started anew since the last time; mounts come back so.

    It costs one small file otherwise. What can't be cured is said, and stops nobody.
    """
    note = f"{ctx.config.home}/{_NOTE}"
    now = boots.boot_id()
    if not now or _noted(note) == now or not os.path.isdir(f"{ctx.config.home}/projects"):
        return
    start(ctx)
    with open(note, "w", encoding="ascii") as file:
        file.write(now)


def start(ctx: Context) -> None:
    """Reconcile, for a program that will run for long."""
    for finding in reconcile(ctx):
        if not finding.applied:
            ctx.say(f"{finding.subject}: {finding.what} {finding.detail} {finding.cure}")


def _noted(path: str) -> str:
    try:
        with open(path, encoding="ascii") as file:
            return file.read()
    except (OSError, ValueError):
        return ""
