"""The private `.git/` of a workspace: what it begins with.

A workspace on a layer finds most of it in the layer and needs three files of its own. A
workspace without a layer needs all of it.
"""

import os
import tempfile
from collections.abc import Sequence

from carrel.domain.projects import Project
from carrel.git import refs
from carrel.git.storing.stores import Stores, config_text
from carrel.git.storing.transport import pack_private
from carrel.ports.driver import Seed

Files = Sequence[tuple[str, bytes]]


def layered_seed(stores: Stores, project: Project, branch: str, commit: str) -> Seed:
    """Return the files that a workspace on a layer has of its own.

    Args:
        stores: The project's stores.
        project: The project; its source becomes `origin`.
        branch: The workspace's branch.
        commit: Where it starts.
    """
    return Seed(tuple(_own(stores, project, branch, commit)))


def full_seed(stores: Stores, project: Project, branch: str, commit: str) -> Seed:
    """Return all files of a `.git/` but the index, for a workspace without a layer."""
    common = [file for file in foundation(stores) if not file[0].endswith("/")]
    own = dict([*common, *references(stores), *_own(stores, project, branch, commit)])
    own["carrel-layer"] = f"{commit}\n".encode()
    if not stores.in_base(commit):
        own |= _private_pack(stores, commit)
    return Seed(tuple(own.items()))


def foundation(stores: Stores) -> list[tuple[str, bytes]]:
    """Return the files that make a folder a repository which borrows from `base`."""
    alternates = f"{stores.base.git_dir}/objects\n"
    return [
        ("config", config_text(_form(stores), bare=False).encode()),
        ("objects/info/alternates", os.fsencode(alternates)),
        ("refs/heads/", b""),
        ("objects/pack/", b""),
    ]


def references(stores: Stores) -> list[tuple[str, bytes]]:
    """Return `packed-refs` with the branches of upstream as `origin/*`, and the tags."""
    known = refs.listing(stores.base, "refs/heads/", "refs/tags/", "refs/remotes/origin/")
    remote = "refs/remotes/origin/"
    by_url = any(ref.startswith(remote) for ref in known)
    shown = {ref: oid for ref, oid in known.items() if ref.startswith(("refs/tags/", remote))}
    if not by_url:
        heads = "refs/heads/"
        shown |= {
            ref.replace(heads, remote, 1): oid
            for ref, oid in known.items()
            if ref.startswith(heads)
        }
    files = [("packed-refs", refs.format_packed(shown))]
    if f"{remote}{stores.default_branch}" in shown:
        files.append((f"{remote}HEAD", f"ref: {remote}{stores.default_branch}\n".encode()))
    return files


def write(git_dir: str, files: Files) -> None:
    """Write files below a folder that nobody else sees yet; a final slash makes a folder."""
    for name, data in files:
        path = f"{git_dir}/{name}"
        os.makedirs(os.path.dirname(path), exist_ok=True)
        if not name.endswith("/"):
            with open(path, "wb") as file:
                file.write(data)


def _own(stores: Stores, project: Project, branch: str, commit: str) -> list[tuple[str, bytes]]:
    source = _quoted(project.source)
    remote = (
        f'[remote "origin"]\n\turl = {source}\n\tfetch = +refs/heads/*:refs/remotes/origin/*\n'
        f"[branch {_quoted(branch)}]\n\tremote = origin\n[push]\n\tautoSetupRemote = true\n"
    )
    return [
        ("HEAD", f"ref: refs/heads/{branch}\n".encode()),
        (f"refs/heads/{branch}", f"{commit}\n".encode()),
        ("config", config_text(_form(stores), bare=False).encode() + os.fsencode(remote)),
    ]


def _private_pack(stores: Stores, commit: str) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    with tempfile.TemporaryDirectory(prefix="carrel-seed-", dir=stores.vault.git_dir) as folder:
        pack_private(stores, commit, folder)
        for name in os.listdir(folder):
            with open(f"{folder}/{name}", "rb") as file:
                found[f"objects/pack/{name}"] = file.read()
    return found


def _form(stores: Stores) -> str:
    return "sha1" if stores.width == 20 else "sha256"  # noqa: PLR2004


def _quoted(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
