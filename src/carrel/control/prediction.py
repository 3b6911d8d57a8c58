"""Foreseeing conflicts between open workspaces."""

from collections.abc import Sequence

from carrel.control import projects
from carrel.control.checkpoints import checkpoint
from carrel.control.context import Context
from carrel.control.explaining import explained
from carrel.control.finding import reread
from carrel.domain.workspaces import Workspace
from carrel.errors import BadInputError
from carrel.git.landing import landing
from carrel.git.merging.predict import Prediction
from carrel.git.merging.predict import predict as predict_merges


@explained()
def predict(
    ctx: Context, workspaces: Sequence[Workspace], *, into: str | None = None
) -> Prediction:
    """Tell which workspaces clash with each other and with the target, and the best order.

    Each workspace is checkpointed first, so work that nobody committed counts too.

    Args:
        ctx: The context.
        workspaces: Open workspaces of one project.
        into: Target branch; the one most of them were started from when None.

    Raises:
        BadInputError: `several_projects`.
    """
    if len({ws.project_id for ws in workspaces}) > 1:
        raise BadInputError(
            "several_projects",
            "The workspaces belong to different projects.",
            cure="Ask for one project at a time with --project.",
        )
    if not workspaces:
        return Prediction(target=into or "", order=(), pairs=(), against_target=())
    project = projects.by_id(ctx, workspaces[0].project_id)
    stores = ctx.stores(project)
    targets = [ws.target_branch for ws in workspaces]
    target = into or max(sorted(set(targets)), key=targets.count)
    for workspace in workspaces:
        checkpoint(ctx, workspace, reason="auto")
    tips = [(ws.agent_id, reread(ctx, ws).head_commit) for ws in workspaces]
    tip = landing.tip(stores, project, target, fetch=False)
    return predict_merges(stores.vault, tips, tip, target=target)
