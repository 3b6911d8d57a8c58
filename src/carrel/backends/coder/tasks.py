"""AI tasks: what those of a fleet, or one of them, are doing."""

from carrel.backends.coder.client import Client
from carrel.backends.coder.reading import identity, record, text
from carrel.backends.coder.workspaces import TaskSeen, read_task
from carrel.domain.fleet.workspaces import FleetWorkspace, TaskStatus
from carrel.errors import FailedError

NO_TASK = TaskSeen(TaskStatus.NONE)
HIDDEN_TASK = TaskSeen(TaskStatus.UNKNOWN)


def all_tasks(client: Client) -> dict[str, TaskSeen]:
    """Return what all tasks are doing, by task id.

    Raises:
        FailedError: As `Client.read`.
    """
    items = client.items("/tasks", client.document("/tasks"), "tasks")
    return {text(item.get("id")): read_task(item) for item in items}


def task_of(workspace: FleetWorkspace, tasks: dict[str, TaskSeen] | None) -> TaskSeen:
    """Return what a workspace's task is doing; unknown when it was not seen."""
    if not workspace.task_id:
        return NO_TASK
    return (tasks or {}).get(workspace.task_id, HIDDEN_TASK)


def one_task(client: Client, workspace: FleetWorkspace) -> TaskSeen:
    """Return what a workspace's task is doing, asked for by itself."""
    if not workspace.task_id:
        return NO_TASK
    try:
        item = record(client.document(task_path(workspace)))
    except FailedError as error:
        if error.code == "token_refused":
            raise
        return HIDDEN_TASK
    return read_task(item) if identity(item.get("id")) == workspace.task_id else HIDDEN_TASK


def task_path(workspace: FleetWorkspace) -> str:
    """Return where a workspace's task is."""
    return f"/tasks/{workspace.owner_id}/{workspace.task_id}"
