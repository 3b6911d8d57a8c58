"""Turns the workspace guide's YAML block, or an agents_config.json, into carrel.toml.

Comments and other keys of carrel.toml are kept.
"""

import json
import os
from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import cast

import tomlkit
import yaml
from tomlkit.exceptions import TOMLKitError

from carrel.domain.records import dataclass
from carrel.errors import BadInputError, FailedError
from carrel.settings import agents_file
from carrel.settings.agents_file import Taken
from carrel.settings.loading import checked
from carrel.settings.values import keys

BLOCK = "workspace"
_WARN, _ROUTES = "notifications.enabled", "notifications.routes"


@dataclass(frozen=True, slots=True)
class Import:
    """What an import would write; nothing is written before `write`.

    Attributes:
        target: The settings file.
        text: Its new content.
        taken: What became of each key that was found.
        unknown: Keys of the block that Carrel does not know, left out.
    """

    target: str
    text: str
    taken: tuple[Taken, ...]
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
                elif any(one.key == _ROUTES for one in self.taken):
                    os.fchmod(file.fileno(), 0o600)  # addresses of webhooks are secrets
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

    def became(self) -> list[dict[str, object]]:
        """Return what became of each key as JSON values."""
        return [one.as_mapping() for one in self.taken]

    def policies(self) -> Mapping[str, Mapping[str, object]]:
        """Return the tables of the policies that it is about, as they would be read."""
        named = {one.key.split(".")[1] for one in self.taken if one.key.startswith("policy.")}
        tables = tomlkit.parse(self.text).unwrap().get("policy", {})
        return {name: tables[name] for name in sorted(named)}


def plan_import(source: str, target: str) -> Import:
    """Read a file into the settings file.

    That is the block `workspace:` of a YAML file, at any depth; or an agents_config.json, every
    key of which must be known.

    Args:
        source: The file.
        target: The settings file; what it says already is kept unless the file says otherwise.

    Raises:
        BadInputError: `bad_import`, `bad_setting` or `unknown_setting`.
    """
    document = _document(source)
    blocks = list(_blocks(document))
    if agents_file.is_agents_file(document, guide=bool(blocks)):
        found = agents_file.read(cast("Mapping[str, object]", document), source)
        unknown: tuple[str, ...] = ()
    else:
        found, unknown = _of_the_guide(source, blocks)
    known = dict(keys())
    for one in found:
        if one.key in known:
            checked(one.key, known[one.key], one.value, source)
    toml = _present(target)
    taken = tuple(_settled(found, toml))
    for one in taken:
        if one.key:
            _put(toml, one, target)
    return Import(target, tomlkit.dumps(toml), taken, unknown)


def _document(source: str) -> object:
    try:
        written = Path(source).read_bytes()
    except OSError as error:
        raise _bad(source, f"{error.strerror}.") from error
    if source.lower().endswith(".json"):
        try:
            return cast("object", json.loads(written))
        except ValueError as error:
            raise _bad(source, f"It is no JSON: {error}.") from error
    try:
        return cast("object", yaml.safe_load(written))
    except (yaml.YAMLError, ValueError) as error:
        raise _bad(source, f"It is no YAML: {' '.join(str(error).split())}.") from error


def _of_the_guide(
    source: str, found: list[dict[str, object]]
) -> tuple[list[Taken], tuple[str, ...]]:
    if not found:
        blocks = ", ".join(agents_file.RULES)
        raise _bad(source, f"It has no block `{BLOCK}:` with settings, nor any of {blocks}.")
    if any(block != found[0] for block in found):
        raise _bad(source, f"It has {len(found)} different blocks `{BLOCK}:`.")
    known = dict(keys())
    values = {f"{BLOCK}.{name}": value for name, value in found[0].items()}
    taken = [Taken(key, value, key, value) for key, value in values.items() if key in known]
    return taken, tuple(key for key in values if key not in known)


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


def _settled(found: list[Taken], toml: Mapping[str, object]) -> Iterator[Taken]:
    """Leave warnings off where no address is known: every stop would wait for one for ever."""
    section = toml.get("notifications")
    routes = isinstance(section, Mapping) and "routes" in section
    reached = routes or any(one.key == _ROUTES for one in found)
    for one in found:
        if one.key == _WARN and one.value is True and not reached:
            note = (
                "Left off: no address to warn at is known, and stops would wait for ever. Set"
                " [notifications.routes], then enabled = true."
            )
            yield replace(one, value=False, note=note)
        else:
            yield one


def _present(target: str) -> MutableMapping[str, object]:
    try:
        present = Path(target).read_bytes().decode()
    except FileNotFoundError:
        present = ""
    except (OSError, ValueError) as error:
        raise _bad(target, f"{error}.") from error
    try:
        return tomlkit.parse(present)
    except TOMLKitError as error:
        raise _bad(target, f"It is no TOML: {error}.") from error


def _put(toml: MutableMapping[str, object], one: Taken, target: str) -> None:
    """Set one value, in tables that are made where they are missing."""
    *path, name = one.key.split(".")
    table = toml
    for depth, part in enumerate(path):
        if part not in table:
            table[part] = tomlkit.table(is_super_table=depth < len(path) - 1)
        inner = table[part]
        if not isinstance(inner, MutableMapping):
            raise _bad(target, f"[{'.'.join(path[: depth + 1])}] must be a table.")
        table = cast("MutableMapping[str, object]", inner)
    before, value = table.get(name), one.value
    if one.joined:
        table[name] = _union(before, cast("list[object]", value))
    elif isinstance(value, dict) and isinstance(before, MutableMapping):
        more = cast("dict[str, object]", value)
        cast("MutableMapping[str, object]", before).update(more)
    else:
        table[name] = one.value


def _union(before: object, more: list[object]) -> list[object]:
    items = cast("list[object]", before) if isinstance(before, list) else []
    known = [str(before)] if isinstance(before, str) else [*items]
    return list(dict.fromkeys([*known, *more]))


def _bad(path: str, why: str) -> BadInputError:
    return BadInputError(
        "bad_import",
        f"{path} can't be imported.",
        why=why,
        cure=f"Give a YAML file with a block `{BLOCK}:`, such as the guide's, or an "
        "agents_config.json; nothing was changed.",
    )
