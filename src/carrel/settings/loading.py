"""Reads the settings once: defaults, then carrel.toml, then the environment."""

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import field, replace
from typing import Any, cast

from carrel.domain.records import dataclass
from carrel.errors import BadInputError
from carrel.settings.readers import WrongValueError
from carrel.settings.values import SECTIONS, Key, Settings, keys

FILE_NAME = "carrel.toml"

OF_THE_GUIDE = {
    "WORKSPACE_ROOT": "workspace.root",
    "WORKSPACE_WORKER_DIR": "workspace.worker_dir",
    "WORKSPACE_MAX_COUNT": "workspace.max_count",
    "WORKSPACE_MAX_DEPTH": "workspace.max_depth",
    "WORKSPACE_DISK_THRESHOLD_GB": "workspace.disk_threshold_gb",
    "WORKSPACE_AUTO_MERGE": "workspace.auto_merge",
    "WORKSPACE_CONFLICT_STRATEGY": "workspace.conflict_strategy",
}
"""Variables of the workspace guide, honoured where ours are not set."""

OF_CODER = {"CODER_URL": "coder.url"}
"""Variables that Coder's own programs read, honoured where ours are not set."""

_HEADER = r"\s*\[\s*([A-Za-z0-9_-]+)"
_ENTRY = r"""\s*["']?([A-Za-z0-9_-]+)["']?\s*[.=]"""


@dataclass(slots=True)
class _Found:
    """Values and their origins, later ones over earlier ones."""

    values: dict[str, object] = field(default_factory=dict[str, object])
    origins: dict[str, str] = field(default_factory=dict[str, str])
    policies: dict[str, Mapping[str, object]] = field(
        default_factory=dict[str, Mapping[str, object]]
    )

    def put(self, key: str, value: object, origin: str) -> None:
        self.values[key], self.origins[key] = value, origin


def load(environ: Mapping[str, str] | None = None) -> Settings:
    """Read the settings.

    Args:
        environ: The environment; that of this process when None.

    Raises:
        BadInputError: `unknown_setting`, `bad_setting`, `bad_settings_file` or
            `settings_file_missing`.
    """
    variables = os.environ if environ is None else environ
    found = _Found()
    home = _home(variables, found)
    known = dict(keys())
    _take_file(_file(variables, home), known, found, named="CARREL_CONFIG" in variables)
    _take_environment(variables, known, found)
    return _settled(home, found)


def load_with(path: str) -> Settings:
    """Read the settings with another file in place of carrel.toml.

    Raises:
        BadInputError: As `load`.
    """
    return load({**os.environ, "CARREL_CONFIG": path})


def settings_path(environ: Mapping[str, str] | None = None) -> str:
    """Return where the settings file is, or would be."""
    variables = os.environ if environ is None else environ
    return _file(variables, _home(variables, _Found()))


def _home(variables: Mapping[str, str], found: _Found) -> str:
    if variables.get("CARREL_HOME"):
        found.origins["home"] = "CARREL_HOME"
        return os.path.abspath(_expanded(variables["CARREL_HOME"], variables))
    data = variables.get("XDG_DATA_HOME", "")
    if os.path.isabs(data):  # the XDG specification says to ignore others
        found.origins["home"] = "XDG_DATA_HOME"
        return os.path.join(data, "carrel")
    return _expanded("~/.local/share/carrel", variables)


def _expanded(path: str, variables: Mapping[str, str]) -> str:
    if path == "~" or path.startswith("~/"):
        return (variables.get("HOME") or os.path.expanduser("~")) + path[1:]
    return os.path.expanduser(path)


def _file(variables: Mapping[str, str], home: str) -> str:
    named = variables.get("CARREL_CONFIG")
    return os.path.abspath(_expanded(named, variables)) if named else f"{home}/{FILE_NAME}"


def _take_file(path: str, known: Mapping[str, Key], found: _Found, *, named: bool) -> None:
    try:
        with open(path, "rb") as file:
            written = file.read()
    except FileNotFoundError:
        if named:
            raise BadInputError(
                "settings_file_missing",
                f"The settings file {path} does not exist.",
                why="CARREL_CONFIG names it.",
                cure="Write it, or take CARREL_CONFIG out of the environment.",
            ) from None
        return
    except OSError as error:
        raise _bad_file(path, f"{error.strerror}.") from error
    take_text(path, written, known, found)


def take_text(path: str, written: bytes, known: Mapping[str, Key], found: "_Found") -> None:
    """Take the settings that a TOML file holds.

    Raises:
        BadInputError: `unknown_setting`, `bad_setting` or `bad_settings_file`.
    """
    import tomllib  # noqa: PLC0415 - 5 ms, only for those who have a file

    try:
        text = written.decode()
        document: dict[str, object] = tomllib.loads(text)
    except ValueError as error:
        raise _bad_file(path, f"{error}.") from error
    for section, content in document.items():
        if section == "policy":
            _take_policies(path, content, found)
            continue
        if section not in SECTIONS:
            raise _unknown(section, SECTIONS, f"{path}{_line(text, section)}", "section")
        if not isinstance(content, dict):
            raise _bad_file(path, f"[{section}] must be a table.")
        for name, value in cast("dict[str, object]", content).items():
            key, place = f"{section}.{name}", f"{path}{_line(text, section, name)}"
            if key not in known:
                raise _unknown(key, known, place, "setting")
            found.put(key, checked(key, known[key], value, place), path)


def _take_policies(path: str, content: object, found: _Found) -> None:
    """Take the tables `[policy.NAME]` as they are: each policy reads its own."""
    tables = cast("dict[str, object]", content) if isinstance(content, dict) else {"": content}
    for name, table in tables.items():
        if not isinstance(table, dict):
            raise _bad_file(path, f"[policy] holds tables, such as [policy.{name or 'NAME'}].")
        found.policies[name] = cast("dict[str, object]", table)
        found.origins[f"policy.{name}"] = path


def _take_environment(
    variables: Mapping[str, str], known: Mapping[str, Key], found: _Found
) -> None:
    for variable, key in (OF_THE_GUIDE | OF_CODER).items():
        if variables.get(variable):
            found.put(key, _parsed(key, known[key], variables[variable], variable), variable)
    ours = {variable_of(key): key for key in known}
    for variable in sorted(name for name in variables if name.startswith(_PREFIXES)):
        if variable not in ours:
            raise _unknown(variable, ours, "the environment", "setting")
        key, written = ours[variable], variables[variable]
        if written:
            found.put(key, _parsed(key, known[key], written, variable), variable)


def variable_of(key: str) -> str:
    """Return the environment variable of `section.key`."""
    return f"CARREL_{key.replace('.', '_').upper()}"


_PREFIXES = tuple(f"CARREL_{section.upper()}_" for section in SECTIONS)


def _parsed(key: str, known: Key, written: str, variable: str) -> object:
    try:
        value = known.reader.parse(written)
    except WrongValueError:
        value = written
    return checked(key, known, value, variable)


def checked(key: str, known: Key, value: object, place: str) -> object:
    """Return the value of a setting as it is used.

    Raises:
        BadInputError: `bad_setting`, naming place, setting, value and what is allowed.
    """
    try:
        return known.reader.check(value)
    except WrongValueError:
        shown = "this value" if known.secret else repr(value)
        raise BadInputError(
            "bad_setting",
            f"{place}: {key} can't be {shown}.",
            why=f"It takes {known.reader.allowed}.",
            cure="Correct it there; `carrel config show` lists all settings.",
        ) from None


def _settled(home: str, found: _Found) -> Settings:
    _complete(home, found)
    groups: dict[str, dict[str, Any]] = {section: {} for section in SECTIONS}
    for key, value in found.values.items():
        section, _, name = key.partition(".")
        groups[section][name] = value
    made: dict[str, Any] = {name: SECTIONS[name](**values) for name, values in groups.items()}
    settings = Settings(
        home, policies=tuple(found.policies.items()), origins=tuple(found.origins.items())
    )
    return replace(settings, **made)


def _complete(home: str, found: _Found) -> None:
    """Fill in what follows from other settings; folders are taken from Carrel's home."""
    worker = found.values.get("workspace.worker_dir")
    if worker and not found.values.get("workspace.root"):
        found.put("workspace.root", worker, found.origins["workspace.worker_dir"])
    if not found.values.get("workspace.root"):
        found.values["workspace.root"] = "workspaces"
    for key in ("workspace.root", "workspace.worker_dir"):
        if found.values.get(key):
            folder = os.path.expanduser(str(found.values[key]))
            found.values[key] = os.path.normpath(os.path.join(home, folder))
    log = str(found.values.get("logging.log_file", "agents.log"))
    found.values["logging.log_file"] = os.path.join(home, os.path.expanduser(log)) if log else ""
    for key in ("coder.token_file", "coder.ca_file"):
        if found.values.get(key):
            file = os.path.expanduser(str(found.values[key]))
            found.values[key] = os.path.normpath(os.path.join(home, file))
    url = str(found.values.get("database.url") or "sqlite:///carrel.db")
    if url.startswith("sqlite:///") and len(url) > len("sqlite:///"):
        file = os.path.expanduser(url.removeprefix("sqlite:///"))
        url = f"sqlite:///{os.path.join(home, file)}"
    found.values["database.url"] = url


def _line(text: str, section: str, name: str | None = None) -> str:
    """Return `:LINE` of a section or of a setting in it; empty where it can't be told."""
    current, wanted = "", name or section
    for number, line in enumerate(text.splitlines(), 1):
        header, entry = re.match(_HEADER, line), re.match(_ENTRY, line)
        if header:
            current = header[1]
        if header and not name and current == section:
            return f":{number}"
        if entry and entry[1] == wanted and current == (section if name else ""):
            return f":{number}"
    return ""


def _unknown(name: str, known: Iterable[str], place: str, what: str) -> BadInputError:
    from difflib import get_close_matches  # noqa: PLC0415 - only for a mistake

    entry = name.partition(".")[2]
    elsewhere = [one for one in known if entry and one.endswith(f".{entry}")]
    near = elsewhere or get_close_matches(name, list(known), n=1, cutoff=0.5)
    return BadInputError(
        "unknown_setting",
        f"{place}: there is no {what} {name!r}.",
        cure=f"Did you mean {near[0]!r}? " * bool(near) + "`carrel config show` lists them all.",
    )


def _bad_file(path: str, why: str) -> BadInputError:
    return BadInputError(
        "bad_settings_file",
        f"The settings file {path} can't be read.",
        why=why,
        cure="Correct it: one [section] a group, one `key = value` a line.",
    )
