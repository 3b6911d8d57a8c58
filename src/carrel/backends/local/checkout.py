"""The checkout driver: a full tree of its own. Works everywhere, and costs what it contains."""

import os
from collections.abc import Callable, Sequence

from carrel.backends.local import against_index, layered, traps
from carrel.backends.local.homes import held_home
from carrel.domain.delta import Folder
from carrel.domain.workspaces import Place
from carrel.errors import FailedError
from carrel.git.gateway import Git
from carrel.ports.driver import Capabilities, Occupant, Probe, Seed
from carrel.system import disk, faults, processes_seen


class CheckoutDriver:
    """Lets git write every file."""

    name = "checkout"
    capabilities = Capabilities(host_path=True, layered=False, directory_rename=True, mounts=False)

    def probe(self, where: str) -> Probe:
        """Write a file and a link, and run git."""
        return traps.tried(where, _try)

    def create(self, place: Place, lowers: Sequence[str], seed: Seed) -> None:
        """Check the start commit out; the tree appears whole, by one rename."""
        del lowers
        with held_home(place):
            if os.path.lexists(place.tree):
                return
            new = f"{place.home}/tree.new"
            disk.delete_tree(new)
            os.mkdir(new)
            layered.write_seed(f"{new}/.git", seed)
            faults.point("driver.sown")
            against_index.check_out(Git(f"{new}/.git", work_tree=new), place.layer)
            faults.point("driver.checked_out")
            against_index.keep_index(place, f"{new}/.git")
            os.rename(new, place.tree)
            faults.point("driver.tree")

    def present(self, place: Place, lowers: Sequence[str]) -> None:
        """Nothing hides a checkout; it is only looked for."""
        del lowers
        if not self.presented(place):
            raise FailedError(
                "tree_missing",
                f"The tree of {place.workspace_id} is not at {place.tree}.",
                cure="Run 'carrel reconcile'; it restores the last checkpoint.",
            )

    def presented(self, place: Place) -> bool:
        """Tell whether the tree is on disk."""
        return os.path.isdir(place.tree) and os.path.exists(against_index.index_of(place))

    def withdraw(self, place: Place) -> None:
        """Do nothing: a checkout takes no mount."""

    def delta(self, place: Place, lowers: Sequence[str], prune: Callable[[bytes], bool]) -> Folder:
        """Compare with an index of ours."""
        del lowers
        return against_index.changes(place, prune)

    def git_dirs(self, place: Place, lowers: Sequence[str]) -> tuple[str, ...]:
        """Return the tree's own `.git/`."""
        del lowers
        return (f"{place.tree}/.git",)

    def enter(self, place: Place, command: Sequence[str]) -> list[str]:
        """Return the command as it is."""
        del place
        return list(command)

    def occupants(self, place: Place) -> list[Occupant]:
        """List who sits in the tree."""
        seen = processes_seen.sitting_in(place.tree)
        return [Occupant(one.pid, one.command, one.how) for one in seen]


def _try(folder: str) -> Probe:
    os.symlink("nowhere", f"{folder}/link")
    Git(git_dir=f"{folder}/git").run("init", "--quiet", "--bare", f"{folder}/git")
    return Probe(works=True, why="Wrote a scratch tree and ran git on it.")


DRIVER = CheckoutDriver()
