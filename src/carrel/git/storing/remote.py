"""Talking to a remote repository: the only git processes that use a network.

What the user lends (`Access`) is passed on explicitly and to these processes alone: HOME, an
ssh agent, credential helpers. A credential from a URL travels in the environment of the one
process that needs it, through a helper that git asks: it is never an argument, so no process
list shows it, and never written down.
"""

import os
import re
import tempfile
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import field
from urllib.parse import urlsplit

from carrel.domain.records import dataclass
from carrel.errors import CarrelError, FailedError
from carrel.git.gateway import OVERRIDES, Git, numbered
from carrel.git.storing.sources import Credential

_PROTOCOLS = "https:http:ssh:git:file"
_HELPER = (
    '!f() { test "$1" = get && echo "username=$CARREL_USER" && '
    'echo "password=$CARREL_PASSWORD"; }; f'
)
# Faults of old histories that hurt nobody; all else that fsck calls an error is refused.
_OLD_FAULTS = (
    "badDate",
    "badDateOverflow",
    "badEmail",
    "badFilemode",
    "badName",
    "badTimezone",
    "missingEmail",
    "missingNameBeforeEmail",
    "missingSpaceBeforeDate",
    "missingSpaceBeforeEmail",
    "zeroPaddedDate",
    "zeroPaddedFilemode",
)
_FSCK = tuple(part for name in _OLD_FAULTS for part in ("-c", f"fetch.fsck.{name}=ignore"))
_HEADS = "+refs/heads/*:refs/remotes/origin/*"
_TAGS = "+refs/tags/*:refs/tags/*"


@dataclass(frozen=True, slots=True)
class Access:
    """What a user lends for reaching a remote.

    Attributes:
        environment: Variables such as HOME, SSH_AUTH_SOCK, GIT_SSH_COMMAND or a proxy; with a
            HOME, the user's own git configuration and credential helpers apply.
        credential: From the URL, for this call only.
        timeout: Seconds until an answer is given up.
    """

    environment: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    credential: Credential | None = field(default=None, repr=False)
    timeout: float = 3600.0


CLOSED = Access()
"""Nobody lends anything: public remotes, and ssh keys without a passphrase."""


def fetch(base: Git, url: str, access: Access = CLOSED) -> None:
    """Bring a remote's branches (as `refs/remotes/origin/*`) and tags into `base`.

    Raises:
        FailedError: `remote_unreachable`.
    """
    with _reaching(base, url, access) as git:
        options = ("--prune", "--no-tags", "--no-write-fetch-head", "--no-auto-gc", "--quiet")
        _asked(git, url, *_FSCK, "-c", "fetch.unpackLimit=1", "fetch", *options, url, _HEADS, _TAGS)


def default_branch(base: Git, url: str, access: Access = CLOSED) -> str | None:
    """Return the branch that a remote's HEAD names, if it names one that exists.

    Raises:
        FailedError: `remote_unreachable`.
    """
    with _reaching(base, url, access) as git:
        out = _asked(git, url, "ls-remote", "--symref", url, "HEAD")
    found = re.match(rb"ref: refs/heads/(\S+)\tHEAD", out)
    return os.fsdecode(found[1]) if found else None


def object_format(base: Git, url: str, access: Access = CLOSED) -> str:
    """Return `sha1` or `sha256`, by the width of what a remote advertises.

    Raises:
        FailedError: `remote_unreachable`.
    """
    with _reaching(base, url, access) as git:
        out = _asked(git, url, "ls-remote", url)
    return "sha256" if len(out.partition(b"\t")[0]) == 64 else "sha1"  # noqa: PLR2004


def tip(base: Git, url: str, branch: str, access: Access = CLOSED) -> str | None:
    """Return the commit of a remote's branch; None when there is no such branch.

    Raises:
        FailedError: `remote_unreachable`.
    """
    with _reaching(base, url, access) as git:
        out = _asked(git, url, "ls-remote", url, f"refs/heads/{branch}")
    wanted = os.fsencode(f"refs/heads/{branch}")  # the pattern takes longer names, too
    told = (line.partition(b"\t") for line in out.splitlines())
    return next((oid.decode() for oid, _, name in told if name == wanted), None)


def push(base: Git, url: str, commit: str, branch: str, access: Access = CLOSED) -> bool:
    """Push a commit to a remote's branch; False when the remote has moved on.

    Raises:
        FailedError: `remote_unreachable` or `push_refused`.
    """
    with _reaching(base, url, access) as git:
        done = git.run(
            "push",
            "--porcelain",
            "--no-verify",
            "--quiet",
            url,
            f"{commit}:refs/heads/{branch}",
            ok=tuple(range(256)),
        )
    if done.code == 0:
        return True
    told = (done.out + done.err).decode(errors="replace")
    if "(fetch first)" in told or "(non-fast-forward)" in told or "(stale info)" in told:
        return False
    if "\n!\t" in f"\n{told}":
        raise FailedError(
            "push_refused",
            f"{url} refused the push to {branch}.",
            why=_words(told),
            cure="Ask who runs the remote, or merge without --push and open a pull request.",
        )
    raise _unreachable(url, told)


@contextmanager
def _reaching(base: Git, url: str, access: Access) -> Generator[Git, None, None]:
    """Give a `Git` that may use the network, with what the user lends."""
    with tempfile.TemporaryDirectory(prefix="carrel-remote-") as folder:
        env = {"GIT_ALLOW_PROTOCOL": _PROTOCOLS, **_lent(url, access)}
        if url.startswith("file://"):
            env["GIT_CONFIG_GLOBAL"] = _trusting(url, folder, env.get("GIT_CONFIG_GLOBAL", ""))
        yield base.with_(env={**base.env, **env}, timeout=access.timeout)


def _lent(url: str, access: Access) -> dict[str, str]:
    env = dict(access.environment)
    extra = [("core.sshCommand", "ssh -oBatchMode=yes -oConnectTimeout=20")]
    if access.credential is not None:
        env |= {
            "CARREL_USER": access.credential.user,
            "CARREL_PASSWORD": access.credential.password,
        }
        asked = urlsplit(url)  # no other host gets it, wherever an answer may redirect to
        extra.append((f"credential.{asked.scheme}://{asked.netloc}.helper", _HELPER))
    elif "HOME" in env:  # the user's own helpers; ours would switch them off
        env.setdefault("XDG_CONFIG_HOME", f"{env['HOME']}/.config")
        env.setdefault("GIT_CONFIG_GLOBAL", f"{env['HOME']}/.gitconfig")
    return env | _configured(extra, keep_helpers="HOME" in env and access.credential is None)


def _configured(extra: list[tuple[str, str]], *, keep_helpers: bool) -> dict[str, str]:
    """Return the closed environment's settings with some more, some perhaps taken out."""
    lifted = {"credential.helper", "core.askPass"} if keep_helpers else set[str]()
    kept = [pair for pair in OVERRIDES if pair[0] not in lifted]
    return numbered([*kept, *extra])


def _trusting(url: str, folder: str, include: str) -> str:
    """Write a configuration for this one call that trusts exactly this repository's owner."""
    path = url.removeprefix("file://localhost").removeprefix("file://")
    place = os.path.realpath(path)
    trusted = (path, place, f"{place}/.git", ".")
    quoted = (one.replace("\\", "\\\\").replace('"', '\\"') for one in trusted)
    lines = "".join(f'\tdirectory = "{one}"\n' for one in quoted)
    known = f'[include]\n\tpath = "{include}"\n' if include else ""
    name = f"{folder}/config"
    with open(name, "w", encoding="utf-8", errors="surrogateescape") as file:
        file.write(f"{known}[safe]\n{lines}")
    return name


def _asked(git: Git, url: str, *arguments: str) -> bytes:
    try:
        done = git.run(*arguments, ok=tuple(range(256)))
    except CarrelError as error:
        raise _unreachable(url, error.what) from error
    if done.code != 0:
        raise _unreachable(url, done.err.decode(errors="replace"))
    return done.out


def _unreachable(url: str, told: str) -> FailedError:
    return FailedError(
        "remote_unreachable",
        f"{url} gave no repository.",
        why=_words(told),
        cure="Check the address, the network and your right to read it, then try again.",
    )


def _words(told: str) -> str:
    lines = [line.strip() for line in told.splitlines() if line.strip() not in ("", "Done")]
    return " ".join(lines[-3:])[:500]
