"""Writing a merge down: before the target moves, and after."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import cast

from carrel.control.context import Context
from carrel.domain.conflicts import ConflictKind, Settlement, Side, Strategy, Version
from carrel.domain.records import dataclass
from carrel.domain.results import MergeResult
from carrel.domain.workspaces import Outcome, Workspace
from carrel.git.refs import Move
from carrel.git.storing.stores import Stores


@dataclass(frozen=True, slots=True)
class Landed:
    """A merge that lands, or has landed.

    Attributes:
        merge_id: Its id, such as `m-…`.
        branch: Target.
        commit: The merge commit.
        head: What was merged.
        settlements: How its conflicts were settled.
    """

    merge_id: str
    branch: str
    commit: str
    head: str
    settlements: tuple[Settlement, ...]


def plan(
    ctx: Context, stores: Stores, workspace: Workspace, landed: Landed, keep: Mapping[str, str]
) -> None:
    """Keep the losing versions and write the merge down, before the target moves.

    A merge without conflicts needs no plan: repeating it after a crash tells the same.
    """
    if not landed.settlements:
        return
    stores.vault_refs.move(tuple(Move(ref, oid) for ref, oid in sorted(keep.items())))
    with ctx.noting(
        "merge.planned",
        workspace.workspace_id,
        merge_id=landed.merge_id,
        into=landed.branch,
        commit=landed.commit,
        head=landed.head,
        settlements=[_to_json(settled) for settled in landed.settlements],
    ):
        pass


def finish(ctx: Context, workspace: Workspace, landed: Landed) -> None:
    """Write down that a merge landed: the settlements, the workspace's outcome, the event."""
    now = ctx.clock.now()
    with ctx.noting(
        "merge.landed",
        workspace.workspace_id,
        merge_id=landed.merge_id,
        into=landed.branch,
        commit=landed.commit,
        head=landed.head,
        conflicts=len(landed.settlements),
    ) as tx:
        present = tx.workspace(workspace.workspace_id) or workspace
        merged = replace(
            present,
            outcome=Outcome.MERGED,
            merged_to=landed.branch,
            merged_commit=landed.head,
            updated_at=now,
        )
        if landed.settlements:
            tx.add_settlements(landed.merge_id, workspace.workspace_id, landed.settlements, now)
        tx.save_workspace(merged)


def note_left(ctx: Context, workspace: Workspace, result: MergeResult) -> None:
    """Write down that a merge left conflicts for a person, and that nothing landed."""
    with ctx.noting(
        "merge.conflicts_left",
        workspace.workspace_id,
        into=result.merged_to,
        tip=result.commit_sha,
        head=workspace.head_commit,
        paths=list(result.conflicts_left),
    ):
        pass


def unfinished(
    ctx: Context, stores: Stores, workspace: Workspace, branch: str, tip: str
) -> Landed | None:
    """Return the merge of the present head that landed without being written down, if any."""
    head = workspace.head_commit
    if head in (workspace.merged_commit, workspace.parent_commit):
        return None
    with ctx.store.reading() as tx:
        events = list(tx.events(subject=workspace.workspace_id))
    planned = [event.data for event in events if event.action == "merge.planned"]
    for data in reversed(planned):
        if data["head"] == head and _contains(stores, tip, str(data["commit"])):
            return _from_json(data)
    return Landed(f"m-{tip[:10]}", branch, tip, head, ())


def _contains(stores: Stores, tip: str, commit: str) -> bool:
    return stores.vault.run("merge-base", "--is-ancestor", commit, tip, ok=(0, 1, 128)).code == 0


def _from_json(data: Mapping[str, object]) -> Landed:
    rows = cast("list[dict[str, object]]", data["settlements"])
    return Landed(
        merge_id=str(data["merge_id"]),
        branch=str(data["into"]),
        commit=str(data["commit"]),
        head=str(data["head"]),
        settlements=tuple(_settlement(row) for row in rows),
    )


def _settlement(row: Mapping[str, object]) -> Settlement:
    winner = row["winner"]
    return Settlement(
        path=str(row["path"]),
        kind=ConflictKind(str(row["kind"])),
        strategy=Strategy(str(row["strategy"])),
        winner=Side(str(winner)) if winner else None,
        winning=_versions(row["winning"]),
        losing=_versions(row["losing"]),
        kept_ref=str(row["kept_ref"]),
        reason=str(row["reason"]),
    )


def _versions(rows: object) -> tuple[Version, ...]:
    return tuple(Version(*row) for row in cast("list[tuple[str, str, str]]", rows))


def _to_json(settled: Settlement) -> dict[str, object]:
    return {
        "path": settled.path,
        "kind": str(settled.kind),
        "strategy": str(settled.strategy),
        "winner": str(settled.winner) if settled.winner else None,
        "winning": _versions_to_json(settled.winning),
        "losing": _versions_to_json(settled.losing),
        "kept_ref": settled.kept_ref,
        "reason": settled.reason,
    }


def _versions_to_json(versions: Sequence[Version]) -> list[list[str]]:
    return [[version.path, version.mode, version.object_id] for version in versions]
