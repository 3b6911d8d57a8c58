"""How a workspace's tree differs from the layer it stands on, before anything is hashed."""

from dataclasses import field
from enum import StrEnum
from typing import TYPE_CHECKING

from carrel.domain.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping


class LeafKind(StrEnum):
    """What stands at a path; `OTHER` (FIFO, socket, device) is never checkpointed."""

    FILE = "file"
    LINK = "link"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Leaf:
    """A file or link that may differ from the layer.

    Attributes:
        source: Absolute host path where its bytes are read (no-follow).
        kind: File, link or other.
        executable: Owner's execute bit.
        size: Bytes.
    """

    source: bytes
    kind: LeafKind
    executable: bool
    size: int


@dataclass(frozen=True, slots=True)
class Gone:
    """The layer has something at this name and the workspace has nothing."""


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder in which something may differ.

    Attributes:
        base: Path in the layer's tree (`b""` is the root) whose entries show through where
            `children` says nothing; None when nothing shows through. It differs from the
            folder's own path after a rename of a folder.
        children: By name, one path component each, never `.git` at the root.
    """

    base: bytes | None
    children: "Mapping[bytes, Node]" = field(default_factory=dict[bytes, "Node"])


Node = Leaf | Gone | Folder
