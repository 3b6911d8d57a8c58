"""The demonstration on the stage: five agents and one repository; then a fleet's night."""

import tempfile
from dataclasses import field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from carrel.bootstrap import open_throwaway
from carrel.cli.plain import record
from carrel.cli.stage import pages
from carrel.cli.stage.board import Board
from carrel.cli.stage.showing import Show
from carrel.cli.wording import brief, count
from carrel.control import ledger, projects
from carrel.control.demo import acts, proof, repository
from carrel.control.demo.script import AGENTS
from carrel.domain.records import dataclass
from carrel.errors import CarrelError, FailedError
from carrel.git.gateway import Git
from carrel.system import disk

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from rich.table import Table

    from carrel.cli.output import Output
    from carrel.control.context import Context
    from carrel.control.demo.acts import Demonstration, Worked
    from carrel.control.demo.repository import Staged
    from carrel.domain.results import MergeResult

PACE = 0.35
"""Seconds between two steps of an agent on a terminal; elsewhere nobody looks."""


class Half(StrEnum):
    """A half of the demonstration."""

    WORKSPACES = "workspaces"
    FLEET = "fleet"


def perform(
    out: "Output", *, keep: bool = False, picture: str | None = None, only: Half | None = None
) -> None:
    """Play the demonstration in a throwaway folder.

    Args:
        out: Where to.
        keep: Leave the folder for looking around.
        picture: File for a drawing of what was shown (SVG).
        only: Only this half.

    Raises:
        FailedError: `demo_failed`: something was lost, does not compile, or was stopped wrongly.
    """
    show = Show(quiet=out.as_json, drawing=picture is not None)
    told: dict[str, object] = {name: None for name in _TOLD}  # noqa: C420 - typed by its values
    folder = Path(tempfile.mkdtemp(prefix="carrel-demo-"))
    try:
        if only is not Half.FLEET:
            told.update(_workspaces(show, folder, keep=keep))
        if only is not Half.WORKSPACES:
            told["fleet"] = _fleet(show, folder)
        show.put(pages.heading("Try next"), pages.next_steps())
    finally:
        if not keep:
            disk.delete_tree(str(folder))
    told["kept_in"] = str(folder) if keep else None
    if picture is not None:
        Path(picture).write_text(show.picture(), encoding="utf-8")
    out.document(told)


_TOLD = (
    "repository", "agents", "prediction", "merges", "proof", "removed", "not_removed", "ledger",
    "fleet", "kept_in",
)  # fmt: skip


def _workspaces(show: Show, folder: Path, *, keep: bool) -> dict[str, object]:
    ctx = open_throwaway(str(folder / "home"))
    try:
        play = _Play(ctx, folder, show, keep=keep)
        play.run()
    finally:
        if not keep:
            acts.leave(ctx)
        ctx.close()
    return play.told


def _fleet(show: Show, folder: Path) -> dict[str, object] | None:
    """Play the second half; without the packages that fleets need, say how to get them."""
    try:
        from carrel.cli.stage import night  # the simulator, for this half only

        return night.perform(show, folder, _pace(show))
    except CarrelError as error:
        if error.code != "extra_missing":
            raise
        show.put("", pages.noted(f"The second half, a fleet's night, is left out: {error.what}"))
        show.put(f"  {error.cure}")
        return None


def _pace(show: Show) -> float:
    return PACE if show.console.is_terminal and not show.quiet else 0.0


@dataclass(slots=True)
class _Play:
    """One performance, act by act."""

    ctx: "Context"
    folder: Path
    show: Show
    keep: bool
    told: dict[str, object] = field(default_factory=dict[str, object])

    def run(self) -> None:
        """Play all acts."""
        staged = repository.stage(self.folder)
        project = projects.register(self.ctx, staged.path, name="carrel")
        self._opening(staged)
        board = Board(self.show.console, AGENTS, quiet=self.show.quiet)
        demonstration = acts.Demonstration(self.ctx, project, self.folder, board, _pace(self.show))
        with board:
            worked = demonstration.work()
        self.show.draw(board.table())
        self._checked(worked)
        merges = self._merged(demonstration, worked)
        self._proved(demonstration, staged, worked, [result for _, result in merges])
        self._cleaned(demonstration, staged, worked)

    def _opening(self, staged: "Staged") -> None:
        source = "Carrel's own repository" if staged.own else "a sample repository"
        self.show.put(
            pages.heading("Five agents work on the same files, each in a workspace of its own"),
            f"{source}, {count(staged.files, 'file')} at {brief(staged.commit)}, in a throwaway "
            "folder\n",
        )
        self.told["repository"] = record(staged)

    def _checked(self, worked: "list[Worked]") -> None:
        driver = worked[0].workspace.driver
        slowest = max(one.created_in for one in worked) * 1000
        failures = [(one.agent.name, failure) for one in worked for failure in one.failures]
        self.show.put(
            "",
            pages.checked(
                f"{count(len(worked), 'workspace')} made at once in {slowest:.0f} ms ({driver})"
            ),
            *(
                pages.checked(f"{name} was sent back to repair: {failure}")
                for name, failure in failures
            ),
        )
        self.told["agents"] = [
            {
                "agent_id": one.agent.name,
                "workspace_id": one.workspace.workspace_id,
                "task": one.agent.task,
                "driver": driver,
                "seconds_to_create": one.created_in,
                "checkpoints": [record(saved) for saved in one.saved],
                "failures": one.failures,
            }
            for one in worked
        ]

    def _merged(
        self, demonstration: "Demonstration", worked: "list[Worked]"
    ) -> "list[tuple[Worked, MergeResult]]":
        foreseen = demonstration.foresee(worked)
        self.show.put(pages.heading("Conflicts are predicted before anything is merged"))
        self.show.put(pages.foreseen(foreseen))
        self.show.put(pages.heading("All are merged, in the order with the fewest conflicts"))
        merges: list[tuple[Worked, MergeResult]] = []
        self.show.growing(self._growing(demonstration.merge(worked, foreseen.order), merges))
        self.told["prediction"] = record(foreseen)
        self.told["merges"] = [{"agent_id": one.agent.name, **record(r)} for one, r in merges]
        return merges

    def _growing(
        self,
        done: "Iterable[tuple[Worked, MergeResult]]",
        merges: "list[tuple[Worked, MergeResult]]",
    ) -> "Iterator[Table]":
        for merge in done:
            merges.append(merge)
            yield pages.settled(merges, room=self.show.room)

    def _proved(
        self,
        demonstration: "Demonstration",
        staged: "Staged",
        worked: "list[Worked]",
        results: "list[MergeResult]",
    ) -> None:
        vault = self.ctx.stores(demonstration.project).vault
        proved = proof.prove(vault, Git(staged.path), staged.commit, worked, results)
        self.show.put(pages.heading("Nothing is lost"))
        lost = proof.a_loser(vault, results)
        if lost is not None:
            where = f"--git-dir={vault.git_dir} " if self.keep else ""
            command, room = f"git {where}show {lost[0]}", self.show.console.width
            self.show.put(pages.loser(command, lost[1], room=room))
        self.show.put(pages.found(proved))
        wrong = demonstration.review()
        self.show.put(
            pages.checked(
                f"main compiles, and holds {count(len(worked), 'merge')}"
                if wrong is None
                else f"main does not compile: {wrong}",
                ok=wrong is None,
            )
        )
        self.told["proof"] = {**record(proved), "main_compiles": wrong is None}
        if proved.lost or wrong:
            raise FailedError(
                "demo_failed",
                "The demonstration did not end as it must.",
                why=wrong or f"Lost: {'; '.join(proved.lost[:3])}.",
                cure="Please report it; nothing of yours was touched.",
            )

    def _cleaned(
        self, demonstration: "Demonstration", staged: "Staged", worked: "list[Worked]"
    ) -> None:
        removed, refused = ([], []) if self.keep else demonstration.clean_up(worked)
        verdict = ledger.verify(self.ctx)
        freed = sum(one.bytes_freed for one in removed) / 1e6
        if removed:
            names = f"{count(len(removed), 'workspace')} removed, their branches kept"
            self.show.put(pages.checked(f"{names}, {freed:.1f} MB freed"))
        self.show.put(
            *(pages.noted(f"{refusal} Its folder goes all the same.") for refusal in refused)
        )
        chain = f"the ledger tells it all: {count(verdict.events, 'event')}, the chain holds"
        self.show.put(pages.checked(chain, ok=verdict.broken_at is None))
        if self.keep:
            agents = [one.agent.name for one in worked]
            self.show.put(*pages.left_standing(str(self.folder), staged.path, agents))
        self.told["removed"] = [one.as_mapping() for one in removed]
        self.told["not_removed"] = refused
        self.told["ledger"] = record(verdict)
