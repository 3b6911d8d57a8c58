"""Colours that mean something: green is well, yellow wants a look, red went wrong."""

from typing import TextIO

from carrel.domain.records import dataclass
from carrel.system import terminal


@dataclass(frozen=True, slots=True)
class Style:
    """Paints text, or leaves it plain where colours are not wanted."""

    on: bool

    @classmethod
    def of(cls, stream: TextIO) -> "Style":
        """Return the style that fits a stream."""
        return cls(terminal.colours(stream))

    def bold(self, text: str) -> str:
        """Return what the eye should find first."""
        return self._paint("1", text)

    def dim(self, text: str) -> str:
        """Return what may be overlooked."""
        return self._paint("2", text)

    def red(self, text: str) -> str:
        """Return what went wrong."""
        return self._paint("31", text)

    def green(self, text: str) -> str:
        """Return what is well."""
        return self._paint("32", text)

    def yellow(self, text: str) -> str:
        """Return what wants a look."""
        return self._paint("33", text)

    def blue(self, text: str) -> str:
        """Return what is finished."""
        return self._paint("34", text)

    def cyan(self, text: str) -> str:
        """Return a name to type."""
        return self._paint("36", text)

    def _paint(self, code: str, text: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self.on and text else text
