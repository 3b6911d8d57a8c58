"""The one gateway to git: a closed environment, an explicit git directory, bytes in and out.

Nothing that a repository, a user or a system configures is obeyed: no hooks, no fsmonitor,
no external diff, textconv or filter, no system, global or injected configuration. What a
repository's own `config` still says is overridden where it could run something. The one thing
that is let in are filters that the owner allowed by name (`carrel.git.filters`).
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import field, replace

from carrel.domain.records import dataclass
from carrel.errors import FailedError
from carrel.system.processes import Conversation, Done, run, search_path

OVERRIDES = (
    ("core.hooksPath", "/dev/null"),
    ("core.fsmonitor", "false"),
    ("core.attributesFile", "/dev/null"),
    ("core.excludesFile", "/dev/null"),
    ("core.untrackedCache", "false"),
    ("core.splitIndex", "false"),
    ("core.ignoreStat", "false"),
    ("core.quotePath", "false"),
    ("core.pager", "cat"),
    ("core.editor", "false"),
    ("core.askPass", "false"),
    ("core.sshCommand", "ssh -oBatchMode=yes"),
    ("credential.helper", ""),
    ("commit.gpgSign", "false"),
    ("tag.gpgSign", "false"),
    ("log.showSignature", "false"),
    ("gc.auto", "0"),
    ("maintenance.auto", "false"),
    ("fetch.writeCommitGraph", "false"),
    ("fetch.recurseSubmodules", "false"),
    ("submodule.recurse", "false"),
    ("protocol.ext.allow", "never"),
    ("diff.external", ""),
    ("diff.renames", "true"),
    ("merge.renames", "true"),
    ("merge.directoryRenames", "conflict"),
    ("advice.submoduleMergeConflict", "false"),
    ("transfer.fsckObjects", "true"),
    ("uploadpack.packObjectsHook", ""),
)


def numbered(settings: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Return the variables by which git takes settings from its environment."""
    return {
        "GIT_CONFIG_COUNT": str(len(settings)),
        **{f"GIT_CONFIG_KEY_{n}": key for n, (key, _) in enumerate(settings)},
        **{f"GIT_CONFIG_VALUE_{n}": value for n, (_, value) in enumerate(settings)},
    }


_LONG = 600.0
_CLOSED: dict[str, str] = {
    "HOME": "/nonexistent",
    "XDG_CONFIG_HOME": "/nonexistent",
    "LC_ALL": "C",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_ALLOW_PROTOCOL": "",
    "GIT_PAGER": "cat",
    "GIT_LITERAL_PATHSPECS": "1",
    "GIT_AUTHOR_NAME": "Carrel",
    "GIT_AUTHOR_EMAIL": "carrel@localhost",
    "GIT_COMMITTER_NAME": "Carrel",
    "GIT_COMMITTER_EMAIL": "carrel@localhost",
    **numbered(OVERRIDES),
}


def closed_environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the whole environment a git process of ours sees.

    Args:
        extra: Variables on top; for the few calls that need one.
    """
    return {"PATH": search_path(), **_CLOSED, **(extra or {})}


@dataclass(frozen=True, slots=True)
class Git:
    """Git on one repository.

    Attributes:
        git_dir: Absolute git directory; always passed explicitly.
        work_tree: Absolute work tree, where one is needed.
        index: Absolute index file of ours, where one is needed.
        env: Further variables.
        enter: Command prefix that leads to where the work tree is visible.
        timeout: Seconds; a call that takes longer is killed and fails.
        user: User to run as, where root writes into somebody's own repository.
    """

    git_dir: str
    work_tree: str = ""
    index: str = ""
    env: Mapping[str, str] = field(default_factory=dict[str, str])
    enter: tuple[str, ...] = ()
    timeout: float = _LONG
    user: int | None = None

    def with_(self, **changes: object) -> "Git":
        """Return the same with some attributes changed."""
        return replace(self, **changes)  # type: ignore[arg-type]

    def run(self, *arguments: str | bytes, stdin: bytes = b"", ok: tuple[int, ...] = (0,)) -> Done:
        """Run one git command.

        Args:
            *arguments: Subcommand and its arguments.
            stdin: What it reads.
            ok: Exit codes that are answers; any other is an error.

        Raises:
            FailedError: `git_failed`, with git's own words.
        """
        done = run(
            self._command(arguments),
            stdin=stdin,
            env=self._environment(),
            cwd="/",  # below a work tree git would take the caller's folder for a prefix
            timeout=self.timeout,
            user=self.user,
        )
        if done.code not in ok:
            raise FailedError(
                "git_failed",
                f"git {os.fsdecode(arguments[0])} failed in {self.git_dir}.",
                why=_last_words(done),
                cure="Run 'carrel doctor' and look at the repository.",
            )
        return done

    def text(self, *arguments: str | bytes, stdin: bytes = b"") -> str:
        """Run one git command and return its output as text without the final newline."""
        return os.fsdecode(self.run(*arguments, stdin=stdin).out).rstrip("\n")

    def converse(self, *arguments: str) -> Conversation:
        """Start a resident git process; a timeout of ours bounds each of its answers too."""
        return Conversation(
            [os.fsdecode(part) for part in self._command(arguments)],
            env=self._environment(),
            user=self.user,
            patience=self.timeout if self.timeout < _LONG else None,
        )

    def _command(self, arguments: tuple[str | bytes, ...]) -> list[str | bytes]:
        where = [f"--work-tree={self.work_tree}"] if self.work_tree else []
        return [*self.enter, "git", f"--git-dir={self.git_dir}", *where, *arguments]

    def _environment(self) -> dict[str, str]:
        index = {"GIT_INDEX_FILE": self.index} if self.index else {}
        return closed_environment({**index, **self.env})


def _last_words(done: Done) -> str:
    words = done.err.decode(errors="replace").strip().splitlines()
    fatal = [at for at, line in enumerate(words) if line.startswith(("fatal:", "error:"))]
    words = words[fatal[0] : fatal[0] + 3] if fatal else words[-3:]
    return " ".join(words) or f"It ended with exit code {done.code} and said nothing."
