"""Files of a workspace, written and read as an agent does."""

from pathlib import Path

from carrel.domain.workspaces import Workspace


def write(workspace: Workspace, name: str, content: str) -> None:
    target = Path(workspace.working_directory) / name
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(content)


def read(workspace: Workspace, name: str) -> str:
    return (Path(workspace.working_directory) / name).read_text()
