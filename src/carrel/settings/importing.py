"""Turns the workspace guide's YAML block into carrel.toml, comments and other keys kept."""

import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import tomlkit
import yaml
from tomlkit.exceptions import TOMLKitError

from carrel.errors import BadInputError, FailedError
from carrel.settings.loading import checked
from carrel.settings.values import keys

BLOCK = "workspace"


@dataclass(frozen=True, slots=True)
class Import:
    """What an import would write; nothing is written before `write`.

    Attributes:
        target: The settings file.
        text: Its new content.
        taken: (key, value) of every setting that was found.
        unknown: Keys of the block that Carrel does not know, left out.
    """

    target: str
    text: str
    taken: tuple[tuple[str, object], ...]
    unknown: tuple[str, ...]

    def write(self) -> None:
        """Replace the settings file, all at once.

        Raises:
            FailedError: `settings_unwritable`.
        """
        target = Path(self.target)
        fresh = target.with_name(f".{target.name}.{os.getpid()}")
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with fresh.open("w", encoding="utf-8") as file:
                if target.exists():
                    os.fchmod(file.fileno(), target.stat().st_mode & 0o777)
                file.write(self.text)
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(target)
        except OSError as error:
            with suppress(OSError):
                fresh.unlink()
            raise FailedError(
                "settings_unwritable",
                f"The settings file {self.target} can't be written.",
                why=f"{error.strerror}.",
                cure="Check the permissions of its folder; nothing was changed.",
            ) from error


def plan_import(source: str, target: str) -> Import:
    """Read the block `workspace:` of a YAML file, at any depth, into a settings file.

    Args:
        source: The YAML file.
        target: The settings file; what it says already is kept unless the block says otherwise.

    Raises:
        BadInputError: `bad_import` or `bad_setting`.
    """
    block = _block(source)
    known = dict(keys())
    values = {f"{BLOCK}.{name}": value for name, value in block.items()}
    taken = tuple((key, value) for key, value in values.items() if key in known)
    unknown = tuple(key for key in values if key not in known)
    for key, value in taken:
        checked(key, known[key], value, source)
    return Import(target, _merged(target, taken), taken, unknown)


def _block(source: str) -> dict[str, object]:
    try:
        document: object = yaml.safe_load(Path(source).read_bytes())
    except OSError as error:
        raise _bad(source, f"{error.strerror}.") from error
    except (yaml.YAMLError, ValueError) as error:
        raise _bad(source, f"It is no YAML: {' '.join(str(error).split())}.") from error
    found = list(_blocks(document))
    if not found:
        raise _bad(source, f"It has no block `{BLOCK}:` with settings.")
    if any(block != found[0] for block in found):
        raise _bad(source, f"It has {len(found)} different blocks `{BLOCK}:`.")
    return found[0]


def _blocks(node: object) -> Iterator[dict[str, object]]:
    if isinstance(node, list):
        for item in cast("list[object]", node):
            yield from _blocks(item)
    if not isinstance(node, Mapping):
        return
    for name, content in cast("Mapping[object, object]", node).items():
        if name == BLOCK and isinstance(content, Mapping):
            block = cast("Mapping[object, object]", content)
            yield {str(key): value for key, value in block.items()}
        else:
            yield from _blocks(content)


def _merged(target: str, taken: tuple[tuple[str, object], ...]) -> str:
    try:
        present = Path(target).read_bytes().decode()
    except FileNotFoundError:
        present = ""
    except (OSError, ValueError) as error:
        raise _bad(target, f"{error}.") from error
    try:
        document = tomlkit.parse(present)
    except TOMLKitError as error:
        raise _bad(target, f"It is no TOML: {error}.") from error
    if BLOCK not in document:
        document[BLOCK] = tomlkit.table()
    section = document[BLOCK]
    if not isinstance(section, Mapping):
        raise _bad(target, f"[{BLOCK}] must be a table.")
    for key, value in taken:
        cast("dict[str, object]", section)[key.partition(".")[2]] = value
    return tomlkit.dumps(document)


def _bad(path: str, why: str) -> BadInputError:
    return BadInputError(
        "bad_import",
        f"{path} can't be imported.",
        why=why,
        cure=f"Give a YAML file with a block `{BLOCK}:`, such as the guide's; nothing was changed.",
    )
