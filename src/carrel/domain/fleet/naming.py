"""Finding one workspace by what people call it."""

from collections.abc import Iterable

from carrel.domain.fleet.workspaces import FleetWorkspace
from carrel.errors import BadInputError, NotFoundError


def named(workspaces: Iterable[FleetWorkspace], name: str, where: str) -> FleetWorkspace:
    """Find a workspace by `owner/name`, by name alone where that is unique, or by id.

    Args:
        workspaces: Among which.
        name: What somebody wrote.
        where: The deployment, for the errors.

    Raises:
        NotFoundError: `unknown_fleet_workspace`.
        BadInputError: `ambiguous_workspace`.
    """
    wanted = name.casefold()
    alike: list[FleetWorkspace] = []
    for one in workspaces:
        if wanted in (one.workspace_id.casefold(), one.full_name.casefold()):
            return one
        if one.name.casefold() == wanted:
            alike.append(one)
    if len(alike) == 1:
        return alike[0]
    if alike:
        raise BadInputError(
            "ambiguous_workspace",
            f"{len(alike)} workspaces are named {name!r}.",
            why=", ".join(sorted(one.full_name for one in alike)[:5]) + ".",
            cure="Name it as OWNER/NAME.",
        )
    raise unknown(name, where)


def unknown(name: str, where: str) -> NotFoundError:
    """Return the error for a workspace that can't be seen."""
    return NotFoundError(
        "unknown_fleet_workspace",
        f"There is no workspace {name!r} at {where}.",
        why="It was deleted, the name is another, or the token may not see it.",
        cure="`carrel fleet ls` lists those that the token may see.",
    )
