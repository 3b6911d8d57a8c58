"""Names that a shell can complete."""

from carrel.errors import CarrelError


def workspace_names(incomplete: str) -> list[str]:
    """Return the agents with an open workspace whose name begins as typed."""
    from carrel.cli.opening import opened
    from carrel.control import workspaces

    try:
        with opened() as ctx:
            names = [one.agent_id for one in workspaces.listing(ctx)]
    except (CarrelError, OSError):
        return []
    return [name for name in names if name.startswith(incomplete)]
