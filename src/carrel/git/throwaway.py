"""Git on a repository whose new objects go to a folder that is thrown away afterwards."""

import tempfile
from collections.abc import Generator
from contextlib import contextmanager

from carrel.git.gateway import Git


@contextmanager
def throwaway_objects(git: Git) -> Generator[Git]:
    """Give a `Git` that reads everything and writes nothing into the store.

    New objects land in a temporary folder and are gone with it.
    """
    with tempfile.TemporaryDirectory(prefix="carrel-objects-") as folder:
        borrowed = _quoted(f"{git.git_dir}/objects")
        yield git.with_(
            env={
                **git.env,
                "GIT_OBJECT_DIRECTORY": folder,
                "GIT_ALTERNATE_OBJECT_DIRECTORIES": borrowed,
            }
        )


def objects_folder(git: Git) -> str:
    """Return the folder that `git` writes new objects to."""
    return git.env.get("GIT_OBJECT_DIRECTORY", f"{git.git_dir}/objects")


def _quoted(path: str) -> str:
    """Quote as git does, since a colon would start the next folder."""
    return '"' + path.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
