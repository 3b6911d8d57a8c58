"""What a new workspace gets besides the files of its commit, before anybody is told of it."""

import os
from collections.abc import Sequence

from carrel.control.context import Context
from carrel.control.subjects import subject
from carrel.domain.projects import Project, SourceKind
from carrel.domain.records import dataclass
from carrel.domain.workspaces import Workspace
from carrel.errors import BadInputError
from carrel.git.restoring.smudging import smudge
from carrel.git.storing import extras
from carrel.system import faults


@dataclass(frozen=True, slots=True)
class Wishes:
    """What one workspace gets that not every workspace gets.

    Attributes:
        copy: Patterns of ignored files to copy from the user's clone, with those of the settings.
        share: Patterns of ignored files and folders to link to, with those of the settings.
        skip_smudge: Leave files as git stores them, though a filter of theirs may run.
    """

    copy: tuple[str, ...] = ()
    share: tuple[str, ...] = ()
    skip_smudge: bool = False

    def as_mapping(self) -> dict[str, object]:
        """Return what the ledger keeps, to compare with what is asked for later."""
        return {
            "copy": sorted(set(self.copy)),
            "share": sorted(set(self.share)),
            "skip_smudge": self.skip_smudge,
        }


def refuse_impossible(project: Project, wishes: Wishes) -> None:
    """Refuse to copy or share from a clone that isn't there, before anything is made.

    Raises:
        BadInputError: `no_clone`.
    """
    if (wishes.copy or wishes.share) and not _has_clone(project):
        raise BadInputError(
            "no_clone",
            f"{project.name} has no work tree to copy or share ignored files from.",
            why=f"It was registered as {project.source}, where there is none.",
            cure="Leave out the patterns, or register your clone with 'carrel init PATH'.",
        )


def furnish(ctx: Context, project: Project, workspace: Workspace, wishes: Wishes) -> None:
    """Write contents for pointers, and bring the ignored files that were asked for."""
    filtering = bool(ctx.config.allow_filters) and not wishes.skip_smudge
    copy = (*ctx.config.copy, *wishes.copy)
    share = (*ctx.config.share, *wishes.share)
    bringing = bool(copy or share) and _has_clone(project)
    if not (filtering or bringing):
        return
    tree = subject(ctx, workspace)
    # Through the mount where there is one: it shows what the layer has, and must not be gone
    # round while it is there. Elsewhere into what lies on top, which nobody has seen yet.
    shown = tree.driver.capabilities.host_path
    top = workspace.working_directory if shown else os.path.dirname(os.fsdecode(tree.git_dirs()[0]))
    if filtering:
        smudge(tree, top)
        faults.point("create.smudged")
    if bringing:
        brought = extras.bring(project.source, top, copy=copy, share=share)
        _tell_unmatched(ctx, (*wishes.copy, *wishes.share), (*brought.copied, *brought.shared))


def _has_clone(project: Project) -> bool:
    return project.kind is SourceKind.PATH and os.path.exists(f"{project.source}/.git")


def _tell_unmatched(ctx: Context, patterns: Sequence[str], brought: Sequence[str]) -> None:
    for pattern in dict.fromkeys(patterns):
        if not any(extras.matches(path, [pattern]) for path in brought):
            ctx.say(f"Nothing was brought for {pattern!r}: your clone ignores no such file.")
