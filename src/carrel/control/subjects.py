"""A workspace's tree as the tree engine sees it."""

from carrel.control import projects
from carrel.control.context import Context
from carrel.domain.workspaces import Workspace
from carrel.git.capturing.checkpoint import Subject


def subject(ctx: Context, workspace: Workspace) -> Subject:
    """Return the tree of a workspace, visible and proved to be there.

    Call it with the workspace's lock held.
    """
    project = projects.by_id(ctx, workspace.project_id)
    driver, place, stores = ctx.driver(workspace), ctx.place(workspace), ctx.stores(project)
    if not driver.capabilities.layered:
        driver.present(place, ())
        return Subject(
            stores=stores, place=place, driver=driver, lowers=(), filters=ctx.filters(project)
        )
    layer = ctx.layers(project).ensure(workspace.layer)
    if not driver.presented(place):
        driver.present(place, layer.lowers)
    return Subject(
        stores=stores,
        place=place,
        driver=driver,
        lowers=layer.lowers,
        has_attributes=layer.has_attributes,
        has_ignores=layer.has_ignores,
        filters=ctx.filters(project),
    )
