"""The session token: taken from a variable or a private file, and never shown."""

import os
import re
import stat

from carrel.errors import BadInputError, RefusedError

_LARGEST = 4096
_PLAIN = re.compile(r"[!-~]{1,512}")
_OTHERS = 0o077


class Token:
    """A session token that does not show itself.

    Args:
        value: The token.
        origin: Where it came from, for error texts.
    """

    __slots__ = ("_value", "origin")

    def __init__(self, value: str, origin: str) -> None:
        self._value = value
        self.origin = origin

    def __repr__(self) -> str:
        return f"Token(from {self.origin})"

    def reveal(self) -> str:
        """Return the token, for the header of a request and nothing else."""
        return self._value


def find_token(lent: tuple[str, str], file: str) -> Token:
    """Return the token to use.

    Args:
        lent: A variable's name and the token in it; both empty when there is none.
        file: A file that holds a token, used when no variable does; empty: none.

    Raises:
        BadInputError: `no_coder_token`.
        RefusedError: `token_file_exposed`.
    """
    origin, value = lent
    if value:
        return _checked(value, origin)
    if file:
        return _checked(_read(file), f"the file {file}")
    raise _none("Neither CODER_SESSION_TOKEN nor [coder] token_file names one.")


def _checked(written: str, origin: str) -> Token:
    value = written.strip()
    if not _PLAIN.fullmatch(value):
        raise _none(f"What {origin} holds is no token: it is empty, too long, or has spaces in it.")
    return Token(value, origin)


def _read(file: str) -> str:
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except (OSError, ValueError) as error:
        raise _none(f"The file {file} can't be read: {_reason(error)}.") from error
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise _none(f"{file} is no file.")
        _refuse_exposed(file, found)
        return os.read(descriptor, _LARGEST).decode("utf-8", "replace")
    finally:
        os.close(descriptor)


def _reason(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or "its name is impossible"


def _refuse_exposed(file: str, found: os.stat_result) -> None:
    if found.st_uid not in {os.geteuid(), 0}:
        why, cure = "It belongs to another user.", "Copy it to a file of your own, then chmod 600."
    elif stat.S_IMODE(found.st_mode) & _OTHERS:
        why = f"Its mode {stat.S_IMODE(found.st_mode):o} lets others at it."
        cure = f"Say 'chmod 600 {file}'; if others may have read it, make a new token."
    else:
        return
    what = f"The token file {file} is not private."
    raise RefusedError("token_file_exposed", what, why=why, cure=cure)


def _none(why: str) -> BadInputError:
    return BadInputError(
        "no_coder_token",
        "There is no token for the Coder deployment.",
        why=why,
        cure="Make one with 'coder tokens create' and set CODER_SESSION_TOKEN, or write it to a "
        "file of mode 600 and name that as `token_file` under [coder].",
    )
