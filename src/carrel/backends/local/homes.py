"""The lock on a workspace's folder; it never makes the folder."""

import os
from collections.abc import Generator
from contextlib import contextmanager

from carrel.domain.workspaces import Place
from carrel.errors import FailedError
from carrel.system import locks


@contextmanager
def held_home(place: Place) -> Generator[None, None, None]:
    """Hold the lock on a workspace's folder for a block.

    Raises:
        FailedError: `tree_missing` when the folder is gone; `lock_busy`.
    """
    try:
        handle = locks.acquire(place.home, folder=True)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise FailedError(
            "tree_missing",
            f"The folder of {place.workspace_id} is gone.",
            why=f"{place.home} is not there.",
            cure="Put it back if you moved it. If it was deleted, 'carrel reconcile' closes the "
            "workspace; its last checkpoint stays in the vault.",
        ) from error
    try:
        yield
    finally:
        locks.release(handle)


def there(place: Place) -> bool:
    """Tell whether a workspace's folder exists; without it nothing can be shown."""
    return os.path.isdir(place.home)
