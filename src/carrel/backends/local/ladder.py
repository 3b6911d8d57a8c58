"""The ladder of drivers: which of them work here, fastest first."""

import json
import os
from typing import cast

from carrel.backends.local import traps
from carrel.errors import FailedError
from carrel.plugins import Catalog
from carrel.ports.driver import Driver, Probe
from carrel.ports.ladder import Rung
from carrel.system import boots, disk

ORDER = ("overlay", "user_overlay", "snapshot", "fuse_overlay", "checkout")
"""Fastest first. Drivers of third parties come before the last, which works everywhere."""

_CATALOG = Catalog("carrel.backends.local", "DRIVER", unknown="unknown_driver")

Findings = dict[str, bool]


def load(name: str) -> Driver:
    """Return a driver by name; hyphens count as underscores.

    Raises:
        BadInputError: `unknown_driver`.
    """
    return cast("Driver", _CATALOG.load(name.replace("-", "_")))


def names() -> tuple[str, ...]:
    """List all drivers, fastest first."""
    others = [name for name in _CATALOG.names() if name not in ORDER]
    return (*ORDER[:-1], *others, ORDER[-1])


class LocalLadder:
    """The drivers of this machine; what was found out is remembered until the next boot.

    Args:
        home: Folder of Carrel's state; `drivers.json` in it is only a memory and may be
            deleted at any time.
    """

    def __init__(self, home: str) -> None:
        self._memory = f"{home}/drivers.json"

    def driver(self, name: str) -> Driver:
        """Return a driver by name, whether it works here or not."""
        return load(name)

    def choose(self, where: str, wanted: str = "auto") -> Driver:
        """Return the wanted driver, or the fastest that works and has a host path.

        Raises:
            BadInputError: `unknown_driver`.
            FailedError: `driver_unusable`, with why and the cure.
        """
        os.makedirs(where, exist_ok=True)
        if wanted == "auto":
            return self._fastest(where)
        driver = load(wanted)
        if not self._recall(where).get(driver.name):
            probe = driver.probe(where)
            self._remember(where, {driver.name: probe.works})
            if not probe.works:
                raise _unusable(driver.name, where, probe)
        return driver

    def explain(self, where: str) -> list[Rung]:
        """Probe every driver anew, fastest first."""
        os.makedirs(where, exist_ok=True)
        rungs: list[Rung] = []
        taken = False
        for name in names():
            driver = load(name)
            probe = driver.probe(where)
            chosen = not taken and probe.works and driver.capabilities.host_path
            taken = taken or chosen
            rungs.append(Rung(name, probe, driver.capabilities, chosen))
        self._remember(where, {rung.name: rung.probe.works for rung in rungs})
        return rungs

    def leftovers(self, where: str) -> list[str]:
        """Return the scratch folders of probes that were killed."""
        return traps.left(where)

    def sweep(self, where: str) -> None:
        """Clear those scratch folders away."""
        for name in names():
            traps.sweep(load(name), where)
        for folder in traps.left(where):  # killed before any driver had begun
            disk.delete_tree(folder)

    def forget(self) -> None:
        """Probe again next time; for when a driver that worked fails."""
        if os.path.exists(self._memory):
            os.unlink(self._memory)

    def _fastest(self, where: str) -> Driver:
        known = self._recall(where)
        learnt: Findings = {}
        probe = Probe(works=False, why="There is no driver.")
        for name in names():
            driver = load(name)
            if not driver.capabilities.host_path:
                continue
            if name not in known:
                probe = driver.probe(where)
                known[name] = learnt[name] = probe.works
            if known[name]:
                self._remember(where, learnt)
                return driver
        raise _unusable("checkout", where, probe)

    def _recall(self, where: str) -> Findings:
        found = self._read().get(_key(where), {})
        return dict(found)

    def _remember(self, where: str, learnt: Findings) -> None:
        if not learnt:
            return
        memory = self._read()
        memory[_key(where)] = {**memory.get(_key(where), {}), **learnt}
        temporary = f"{self._memory}.{os.getpid()}.new"
        try:
            os.makedirs(os.path.dirname(self._memory), exist_ok=True)
            with open(temporary, "w", encoding="utf-8") as file:
                json.dump({"boot": boots.boot_id(), "found": memory}, file)
            os.rename(temporary, self._memory)
        except OSError:
            return  # a memory that can't be written costs a probe, nothing else

    def _read(self) -> dict[str, Findings]:
        try:
            with open(self._memory, encoding="utf-8") as file:
                content = json.load(file)
            return content["found"] if content["boot"] == boots.boot_id() else {}
        except (OSError, ValueError, KeyError, TypeError):
            return {}


def _key(where: str) -> str:
    """Return what a finding depends on: place, file system and user."""
    return f"{os.geteuid()} {os.stat(where).st_dev} {os.path.realpath(where)}"


def _unusable(name: str, where: str, probe: Probe) -> FailedError:
    return FailedError(
        "driver_unusable",
        f"The driver '{name}' does not work for workspaces in {where}.",
        why=probe.why,
        cure=probe.cure or "Run 'carrel doctor'; it tells which drivers work.",
    )
