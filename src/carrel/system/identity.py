"""Who and where we are, and new ids."""

import getpass
import os
import secrets
import socket

from carrel.system import boots

_SLACK = 2.0
"""Seconds by which the kernel's own clock of starts may be off."""

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"


def new_id(prefix: str, length: int = 10) -> str:
    """Return a new unique id such as `ws-7f3kq2m9xa` (5 bits of chance a character)."""
    return prefix + "-" + "".join(secrets.choice(_ALPHABET) for _ in range(length))


def host() -> str:
    """Return this machine's name."""
    return socket.gethostname()


def pid() -> int:
    """Return this process's id."""
    return os.getpid()


def actor() -> str:
    """Return who asks, as `user@host`; a user without a name is shown by number."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = str(os.getuid())
    return f"{user}@{host()}"


def folder() -> str | None:
    """Return the current folder, None when it was deleted."""
    try:
        return os.getcwd()
    except FileNotFoundError:
        return None


def process_lives(number: int, seen_at: float) -> bool:
    """Tell whether the process that was seen at a moment still exists, stopped ones included.

    Args:
        number: Its process id, which another process may have got since.
        seen_at: When it was certainly alive, in seconds since the epoch.
    """
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return boots.process_began(number) <= seen_at + _SLACK


_LENT = (
    "HOME",
    "XDG_CONFIG_HOME",
    "SSH_AUTH_SOCK",
    "SSH_ASKPASS",
    "GIT_ASKPASS",
    "GIT_SSH",
    "GIT_SSH_COMMAND",
    "GIT_CONFIG_GLOBAL",
    "GIT_SSL_CAINFO",
    "DISPLAY",
    "http_proxy",
    "https_proxy",
    "all_proxy",
    "no_proxy",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
)


def lent_environment() -> dict[str, str]:
    """Return what a user lends to the git processes that talk to a remote."""
    return {name: os.environ[name] for name in _LENT if name in os.environ}
