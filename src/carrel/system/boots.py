"""When this machine and its processes started."""

import os

_PATH = "/proc/sys/kernel/random/boot_id"


def boot_id() -> str:
    """Return an id that changes with every start of the machine; empty where none is told."""
    try:
        with open(_PATH, encoding="ascii") as file:
            return file.read().strip()
    except OSError:
        return ""


def process_began(number: int) -> float:
    """Return when a process started, in seconds since the epoch; 0 where nobody tells."""
    try:
        with open(f"/proc/{number}/stat", "rb") as file:
            ticks = int(file.read().rpartition(b")")[2].split()[19])
        with open("/proc/stat", "rb") as file:
            booted = next(int(line[6:]) for line in file if line.startswith(b"btime "))
    except (OSError, ValueError, IndexError, StopIteration):
        return 0.0
    return booted + ticks / os.sysconf("SC_CLK_TCK")
