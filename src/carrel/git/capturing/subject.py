"""A workspace's tree as the tree engine works on it."""

import os

from carrel.domain.records import dataclass
from carrel.domain.workspaces import Place
from carrel.git.filters import NONE, Filters
from carrel.git.storing.stores import Stores
from carrel.ports.driver import Driver


@dataclass(frozen=True, slots=True)
class Subject:
    """One workspace's tree, visible, with all that is needed to read and write it.

    Attributes:
        stores: The project's stores.
        place: Where the workspace is; `place.layer` is the commit its tree stands on.
        driver: How its tree is presented.
        lowers: Folders of the layer, top first; empty for drivers without layers.
        has_attributes: The layer holds `.gitattributes` somewhere (True when unknown).
        has_ignores: The layer holds `.gitignore` somewhere (True when unknown).
        filters: Those that the owner allowed.
    """

    stores: Stores
    place: Place
    driver: Driver
    lowers: tuple[str, ...]
    has_attributes: bool = True
    has_ignores: bool = True
    filters: Filters = NONE

    def git_dirs(self) -> tuple[bytes, ...]:
        """Return the folders that make up the workspace's own `.git/`, topmost first."""
        return tuple(os.fsencode(one) for one in self.driver.git_dirs(self.place, self.lowers))

    def home(self) -> bytes:
        """Return the folder that only Carrel renames or replaces."""
        return os.fsencode(self.place.home)
