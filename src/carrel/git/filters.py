"""Filters (`filter=lfs` and the like): programs that the owner allowed by name.

What a repository's attributes say is only a name. Which program it stands for is read from the
owner's own git configuration, never from that of a repository or a workspace, and only names
that the owner's settings allow count at all.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import field

from carrel.domain.records import dataclass
from carrel.git.gateway import OVERRIDES, Git, numbered

_KINDS = ("clean", "smudge", "process", "required")


@dataclass(frozen=True, slots=True)
class Filters:
    """The filters that may run, with the owner's own commands.

    Attributes:
        names: Those that are allowed and defined.
        undefined: Those that are allowed, but not defined by the owner's git configuration.
        settings: Git's settings for them.
        environment: Variables that their programs see, such as HOME.
    """

    names: tuple[str, ...] = ()
    undefined: tuple[str, ...] = ()
    settings: tuple[tuple[str, str], ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict[str, str])

    def on(self, git: Git) -> Git:
        """Return a git that runs them, and is the same in all else."""
        if not self.names:
            return git
        told = numbered([*OVERRIDES, *self.settings])
        return git.with_(env={**self.environment, **told, **git.env})


NONE = Filters()


def owned(git: Git, allowed: Sequence[str], environment: Mapping[str, str], source: str) -> Filters:
    """Read what the owner's own git configuration says about the filters he allowed.

    Args:
        git: Any store of ours; git is run on it.
        allowed: Names from the owner's settings.
        environment: What the owner lends: HOME and the like.
        source: Where a filter that fetches contents, as Git LFS does, finds them.
    """
    if not allowed:
        return NONE
    found: dict[str, str] = {}
    for file in _files(environment):
        if os.path.isfile(file):
            found.update(_read(git, file, environment))
    told = {
        name: {kind: found[key] for kind in _KINDS if (key := f"filter.{name}.{kind}") in found}
        for name in allowed
    }
    names = tuple(name for name, kinds in told.items() if kinds.keys() - {"required"})
    settings = [
        (f"filter.{name}.{kind}", value) for name in names for kind, value in told[name].items()
    ]
    return Filters(
        names=names,
        undefined=tuple(name for name in allowed if name not in names),
        settings=(*settings, ("remote.origin.url", source)),
        environment={key: value for key, value in environment.items() if not _about_git(key)},
    )


def _files(environment: Mapping[str, str]) -> list[str]:
    """Return the owner's own configuration files, in the order in which git reads them."""
    if environment.get("GIT_CONFIG_GLOBAL"):
        return [environment["GIT_CONFIG_GLOBAL"]]
    home = environment.get("HOME", "/nonexistent")
    folder = environment.get("XDG_CONFIG_HOME") or f"{home}/.config"
    return [f"{folder}/git/config", f"{home}/.gitconfig"]


def _read(git: Git, file: str, environment: Mapping[str, str]) -> dict[str, str]:
    asked = ("config", f"--file={file}", "--includes", "-z", "--get-regexp", r"^filter\.")
    out = git.with_(env={"HOME": environment.get("HOME", "/nonexistent")}).run(*asked, ok=(0, 1))
    found: dict[str, str] = {}
    for item in out.out.split(b"\0")[:-1]:
        key, line_end, value = item.partition(b"\n")
        found[os.fsdecode(key)] = os.fsdecode(value) if line_end else "true"
    return found


def _about_git(variable: str) -> bool:
    """Tell whether a variable would change what our own git does."""
    return variable.startswith("GIT_")
