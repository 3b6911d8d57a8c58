"""Git as anybody uses it: what Carrel is compared with."""

import os
import subprocess

ENVIRONMENT = {
    "PATH": os.environ["PATH"],
    "HOME": "/nonexistent",
    "LC_ALL": "C",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_AUTHOR_NAME": "Bench",
    "GIT_AUTHOR_EMAIL": "bench@example.org",
    "GIT_COMMITTER_NAME": "Bench",
    "GIT_COMMITTER_EMAIL": "bench@example.org",
}


def git(git_dir: str, *arguments: str) -> bytes:
    """Run git on a bare repository."""
    return run(["git", f"--git-dir={git_dir}", *arguments])


def git_in(tree: str, *arguments: str, ok: tuple[int, ...] = (0,)) -> bytes:
    """Run git where a person or an agent sits."""
    return run(["git", *arguments], cwd=tree, ok=ok)


def run(
    command: list[str],
    *,
    cwd: str | None = None,
    ok: tuple[int, ...] = (0,),
    env: dict[str, str] | None = None,
) -> bytes:
    """Run a program to its end; anything unexpected ends the benchmark."""
    done = subprocess.run(
        command, cwd=cwd, env=env or ENVIRONMENT, capture_output=True, check=False
    )
    if done.returncode not in ok:
        words = (done.stderr or done.stdout).decode(errors="replace").strip()
        raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}: {words}")
    return done.stdout


def objects(git_dir: str) -> int:
    """Count the objects of a repository of its own, loose ones and packed ones."""
    told = git(git_dir, "count-objects", "-v").decode().splitlines()
    facts = dict(line.split(": ", 1) for line in told)
    return int(facts["count"]) + int(facts["in-pack"])
