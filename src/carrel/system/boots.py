"""Which start of this machine it is."""

_PATH = "/proc/sys/kernel/random/boot_id"


def boot_id() -> str:
    """Return an id that changes with every start of the machine; empty where none is told."""
    try:
        with open(_PATH, encoding="ascii") as file:
            return file.read().strip()
    except OSError:
        return ""
