"""Where a project comes from: a repository on this machine, or a URL.

A path is found without asking git: git's own discovery refuses repositories of other owners
and obeys their configuration. A URL is taken apart so that a credential in it is used for
this one fetch and stored nowhere.
"""

import os
import re
from dataclasses import field
from urllib.parse import unquote, urlsplit, urlunsplit

from carrel.domain.projects import SourceKind
from carrel.domain.records import dataclass
from carrel.errors import BadInputError, NotFoundError
from carrel.git.nofollow import read_bounded
from carrel.git.specials import refuse_specials
from carrel.git.storing.configs import refuse_waiting

_SCHEMES = frozenset({"https", "http", "ssh", "git", "file"})
_WEB = frozenset({"https", "http"})
_HELPER = re.compile(r"[A-Za-z0-9][A-Za-z0-9+.-]*::")
_SCP = re.compile(
    r"(?:(?P<user>[^@/:\s]+)@)?(?P<host>\[[0-9A-Fa-f:.]+\]|[^@/:\s]+):(?P<path>[^\s]+)"
)
_HOST_IN_PATH = re.compile(r"@[^/@:\s]+:")  # a password with a slash would look like a path


@dataclass(frozen=True, slots=True)
class Credential:
    """A user and a password or token; never shown."""

    user: str = field(repr=False)
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Source:
    """What a project is made from.

    Attributes:
        kind: Path or URL.
        location: Absolute path of the repository's folder, or the URL without a credential.
        name: A name that fits, not yet checked.
        credential: For the one fetch that follows; not part of what is stored or compared.
    """

    kind: SourceKind
    location: str
    name: str
    credential: Credential | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository on this machine.

    Attributes:
        location: The folder that people name: the work tree's, or the bare repository's.
        common: Git directory with references and objects.
    """

    location: str
    common: str


def parse(source: str) -> Source:
    """Return what `source` names.

    Args:
        source: A path (any folder of a repository, a bare one, a `.git`), or a URL
            (https, http, ssh, git, file, or `user@host:path`).

    Raises:
        BadInputError: `bad_source`, `not_a_repository` or `credential_unusable`; no text of
            it shows a credential.
        NotFoundError: `path_missing`.
    """
    if not source or any(ord(letter) < ord(" ") or letter == "\x7f" for letter in source):
        raise _bad("The repository's name is empty or holds control characters.")
    if source.startswith("-"):
        raise _bad(f"{source!r} looks like an option.", cure="Write ./ in front of a path.")
    if _HELPER.match(source):
        raise _bad(
            f"{source.partition('::')[0]}:: runs a program of its own to reach a repository.",
            cure=f"Use a path, or a URL with {', '.join(sorted(_SCHEMES))}.",
        )
    if "://" in source:
        return _from_url(source)
    found = _SCP.fullmatch(source)
    if found and not os.path.lexists(source):
        return _from_scp(source, found)
    repository = discover(source)
    return Source(SourceKind.PATH, repository.location, _name(repository.location))


def discover(path: str) -> Repository:
    """Return the repository that holds `path`.

    Raises:
        NotFoundError: `path_missing`.
        BadInputError: `not_a_repository`.
    """
    folder: str = os.path.realpath(path)
    if not os.path.exists(folder):
        raise NotFoundError(
            "path_missing", f"{path} does not exist.", cure="Check the path, then try again."
        )
    start = folder
    while True:
        found = _at(folder)
        if found is not None:
            return found
        if folder == "/":
            break
        folder = os.path.dirname(folder)
    raise BadInputError(
        "not_a_repository",
        f"{start} is not in a git repository.",
        cure="Name a folder of a repository, or make one with 'git init' and a first commit.",
    )


def repository(location: str) -> Repository:
    """Return the repository at exactly `location` (as `discover` once gave it).

    Raises:
        NotFoundError: `repository_gone`.
        RefusedError: `repository_unsafe` when one of its files would hold git up.
    """
    found = _at(location)
    if found is None:
        raise NotFoundError(
            "repository_gone",
            f"The repository {location} is no longer there.",
            cure="Put it back where it was; the project's workspaces and checkpoints are safe.",
        )
    refuse_waiting(found.common)
    refuse_specials(found.common)
    return found


def _at(folder: str) -> Repository | None:
    dot_git = f"{folder}/.git"
    if os.path.isdir(dot_git):
        real = os.path.realpath(dot_git)
        return Repository(folder, real) if _is_git_dir(real) else None
    if os.path.isfile(dot_git):
        return _linked(folder, dot_git)
    if _is_git_dir(folder):
        return _from_git_dir(folder)
    return None


def _linked(folder: str, dot_git: str) -> Repository | None:
    """Follow a `.git` file: of a linked worktree, of a submodule, of a separated repository."""
    words = read_bounded(dot_git) or b""
    if not words.startswith(b"gitdir: "):
        return None
    target = os.fsdecode(words.removeprefix(b"gitdir: ").rstrip(b"\r\n"))
    git_dir = os.path.realpath(os.path.join(folder, target))
    common = read_bounded(f"{git_dir}/commondir")
    if common is not None:
        main = os.path.realpath(os.path.join(git_dir, os.fsdecode(common.rstrip(b"\r\n"))))
        return _from_git_dir(main) if _is_git_dir(main) else None
    return Repository(folder, git_dir) if _is_git_dir(git_dir) else None


def _from_git_dir(git_dir: str) -> Repository:
    above, name = os.path.split(git_dir)
    return Repository(above if name == ".git" else git_dir, git_dir)


def _is_git_dir(folder: str) -> bool:
    return (
        os.path.lexists(f"{folder}/HEAD")
        and os.path.isdir(f"{folder}/objects")
        and os.path.isdir(f"{folder}/refs")
    )


def _from_url(source: str) -> Source:
    scheme = source.partition("://")[0].lower()
    if scheme not in _SCHEMES:
        raise _bad(f"{scheme}:// is no way to a repository that Carrel takes.")
    try:
        parts = urlsplit(source)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise _bad("The URL can't be read.", cure="Check its host and port.") from None
    if parts.query or parts.fragment:
        raise _bad("The URL has a query or a fragment, which could hide a secret.")
    if scheme != "file" and (not host or host.startswith("-")):
        raise _bad("The URL names no host that can be asked.")
    if host and not re.fullmatch(r"[A-Za-z0-9._:%-]+", host):
        raise _bad("The URL's host has characters that no host has.")
    if scheme == "file" and host not in {"", "localhost"}:
        raise _bad("A file:// URL names no other machine.")
    credential = _credential(scheme, parts.username, parts.password)
    place = f"[{host}]" if ":" in host else host
    place += f":{port}" if port is not None else ""
    if scheme == "ssh" and parts.username:
        place = f"{parts.username}@{place}"
    location = urlunsplit((scheme, place, parts.path, "", ""))
    return Source(SourceKind.URL, location, _name(parts.path), credential)


def _credential(scheme: str, user: str | None, password: str | None) -> Credential | None:
    if scheme in _WEB:
        if not user and not password:
            return None
        return Credential(unquote(user or ""), unquote(password or ""))
    if password is not None or (user and scheme != "ssh"):
        raise BadInputError(
            "credential_unusable",
            f"A password in a URL can't be used with {scheme}://.",
            cure="Leave it out; use an ssh key, or an https:// URL.",
        )
    if user and user.startswith("-"):
        raise _bad("The URL's user looks like an option.")
    return None


def _from_scp(source: str, found: re.Match[str]) -> Source:
    user, host, path = found["user"] or "", found["host"], found["path"]
    if "@" in path.partition("/")[0] or _HOST_IN_PATH.search(path):
        raise BadInputError(
            "credential_unusable",
            "The source looks like user:password@host, which ssh can't use.",
            cure="Leave the password out; use an ssh key, or an https:// URL.",
        )
    if user.startswith("-") or host.startswith("-") or path.startswith("-"):
        raise _bad("A part of the source looks like an option.")
    return Source(SourceKind.URL, source, _name(path))


def _name(path: str) -> str:
    return os.path.basename(path.rstrip("/")).removesuffix(".git") or "project"


def _bad(what: str, *, cure: str = "") -> BadInputError:
    return BadInputError(
        "bad_source",
        what,
        cure=cure or "Use the path of a repository, or a URL such as https://host/name.git.",
    )
