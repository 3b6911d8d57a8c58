"""Which untracked paths are ignored: git's own answer, from copies of the `.gitignore` files."""

from collections.abc import Callable, Iterable

from carrel.errors import FailedError
from carrel.git.capturing.scratch import Scratch
from carrel.git.gateway import Git
from carrel.system.processes import Conversation

IGNORE_FILE = b".gitignore"

_CHECK = ("check-ignore", "-z", "--stdin", "--no-index", "--verbose", "--non-matching")
_ANSWER_FIELDS = 4
_HERE = b"./"


class Ignores:
    """Answers whether paths are ignored; starts git only when some rule could match.

    Args:
        scratch: Makes the throwaway work tree, when the first rule is found.
        rules: Returns the text of `.gitignore` in a folder, or None.
        exclude: Text of the workspace's own `info/exclude`.
    """

    def __init__(
        self,
        scratch: Callable[[], Scratch],
        rules: Callable[[bytes], bytes | None],
        exclude: bytes = b"",
    ) -> None:
        self._make = scratch
        self._rules = rules
        self._exclude = exclude if _says_something(exclude) else b""
        self._known: dict[bytes, bool] = {}
        self._scratch: Scratch | None = None
        self._talk: Conversation | None = None

    def close(self) -> None:
        """End git and remove the throwaway work tree."""
        if self._talk is not None:
            self._talk.close()
        if self._scratch is not None:
            self._scratch.__exit__(None, None, None)
        self._talk = self._scratch = None

    def one(self, path: bytes) -> bool:
        """Tell whether one path is ignored (a folder's path ends with a slash)."""
        if not self._applies(path):
            return False
        if self._talk is None:
            self._talk = self._git().converse(*self._command())
        self._talk.send(self._question(path))
        answer = [_field(self._talk) for _ in range(_ANSWER_FIELDS)]
        return _ignored(answer[2])

    def many(self, paths: Iterable[bytes]) -> set[bytes]:
        """Return the ignored ones among many paths; a folder's path ends with a slash."""
        asked = [path for path in paths if self._applies(path)]
        if not asked:
            return set()
        done = self._git().run(
            *self._command(), stdin=b"".join(self._question(path) for path in asked), ok=(0, 1)
        )
        fields = done.out.split(b"\0")[:-1]
        if len(fields) != _ANSWER_FIELDS * len(asked):
            raise FailedError(
                "git_failed",
                f"git check-ignore answered {len(fields)} fields for {len(asked)} paths.",
                cure="Update git; 'carrel doctor' tells the oldest version that works.",
            )
        patterns = fields[2::_ANSWER_FIELDS]
        return {path for path, text in zip(asked, patterns, strict=True) if _ignored(text)}

    def _applies(self, path: bytes) -> bool:
        """Copy the rules of all folders above `path`; tell whether there are any."""
        found = bool(self._exclude)
        folder = path.rstrip(b"/")
        while folder:
            folder = folder.rpartition(b"/")[0]
            if folder not in self._known:
                text = self._rules(folder)
                self._known[folder] = text is not None and _says_something(text)
                if text is not None and self._known[folder]:
                    self._tree().put(folder + b"/" + IGNORE_FILE if folder else IGNORE_FILE, text)
            found = found or self._known[folder]
        return found

    def _question(self, path: bytes) -> bytes:
        if path.endswith(b"/"):
            # With a final slash git would match a folder's name as if it were empty; without,
            # it looks whether there is a folder.
            path = path.rstrip(b"/")
            self._tree().folder(path)
        return _HERE + path + b"\0"

    def _tree(self) -> Scratch:
        if self._scratch is None:
            self._scratch = self._make()
        return self._scratch

    def _git(self) -> Git:
        # check-ignore knows no literal pathspecs; `_HERE` keeps a name such as `:x` harmless.
        git = self._tree().git
        return git.with_(env={**git.env, "GIT_LITERAL_PATHSPECS": "0"})

    def _command(self) -> tuple[str, ...]:
        if not self._exclude:
            return _CHECK
        file = f"{self._tree().path}/exclude"
        with open(file, "wb") as out:
            out.write(self._exclude)
        return ("-c", f"core.excludesFile={file}", *_CHECK)


def _field(talk: Conversation) -> bytes:
    out = bytearray()
    while True:
        byte = talk.exactly(1)
        if not byte:
            raise FailedError("git_failed", "git check-ignore ended without an answer.")
        if byte == b"\0":
            return bytes(out)
        out += byte


def _ignored(pattern: bytes) -> bool:
    return bool(pattern) and not pattern.startswith(b"!")


def _says_something(text: bytes) -> bool:
    lines = text.splitlines()
    return any(line.strip() and not line.startswith(b"#") for line in lines)
