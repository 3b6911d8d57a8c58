"""What each key of an agents_config.json becomes in carrel.toml."""

import re
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import cast

from carrel.domain.records import dataclass
from carrel.errors import BadInputError

MINUTES = 60


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of one key.

    Attributes:
        source: Its name in the file, as `block.key`.
        given: Its value there.
        key: What is set in carrel.toml; empty: nothing.
        value: To what.
        note: What a person should know, a sentence; or empty.
        joined: The value is a list that is added to what stands there.
    """

    source: str
    given: object
    key: str = ""
    value: object = None
    note: str = ""
    joined: bool = False

    def as_mapping(self) -> dict[str, object]:
        """Return it as JSON values; addresses hold secrets."""
        value = self.value
        if isinstance(value, dict):
            value = dict.fromkeys(cast("dict[str, object]", value), "***")
        return {
            "from": self.source,
            "given": self.given,
            "key": self.key or None,
            "value": value,
            "note": self.note,
        }


Rule = Callable[[str, object], Taken]


def _same(key: str) -> Rule:
    """Take a value as it is."""
    return lambda source, given: Taken(source, given, key, given)


def _joined(key: str) -> Rule:
    """Add a list to what stands there: what is excluded once stays excluded."""
    return lambda source, given: Taken(source, given, key, given, joined=isinstance(given, list))


def _in_minutes(key: str) -> Rule:
    """Take hours as minutes."""

    def rule(source: str, given: object) -> Taken:
        if isinstance(given, bool) or not isinstance(given, int | float):
            return Taken(source, given, key, given)
        minutes = given * MINUTES
        return Taken(source, given, key, int(minutes) if minutes == int(minutes) else minutes)

    return rule


def _always(why: str) -> Rule:
    """Take a switch that can only be on."""

    def rule(source: str, given: object) -> Taken:
        if given is True:
            return Taken(source, given, note=why)
        if given is False:
            return Taken(source, given, note=f"It can't be switched off. {why}")
        raise wrong(source, given, "true or false")

    return rule


_LEVELS = {"warn": "warning", "critical": "error", "fatal": "error", "notset": "debug"}


def _level(source: str, given: object) -> Taken:
    name = str(given).lower()
    return Taken(source, given, "logging.level", _LEVELS.get(name, name))


def _webhook(pattern: str, what: str) -> Rule:
    """Take an address to which every warning goes; an empty one is none."""

    def rule(source: str, given: object) -> Taken:
        if not isinstance(given, str):
            raise wrong(source, "this value", f"the address of a {what} webhook, or empty")
        if not given:
            return Taken(source, "", note="It is empty: nothing to set.")
        if not re.match(r"[a-z]+://\S+$", given):
            raise wrong(source, "this value", f"the address of a {what} webhook, or empty")
        return Taken(source, "***", "notifications.routes", {pattern: given})

    return rule


def _email(source: str, given: object) -> Taken:
    if given is False:
        return Taken(source, given, note="Nothing to set: no mail server is named.")
    if given is not True:
        raise wrong(source, given, "true or false")
    note = "Name the mail server: `mail` in [notifications.routes], such as mailtos://USER:PASSWORD@HOST."
    return Taken(source, given, note=note)


def _warning(source: str, given: object) -> Taken:
    """Take whether owners are warned; `settled` undoes it where no address is known."""
    return Taken(source, given, "notifications.enabled", given)


def _pruning(source: str, given: object) -> Taken:
    """Take whether pruning is in force, which is more here than it was in such a file."""
    note = "`carrel govern` then puts to sleep what it finds, too, not only `prune --cleanup`."
    return Taken(source, given, "policy.prune.enabled", given, note if given is True else "")


def _dry_run(source: str, given: object) -> Taken:
    if given is False:
        note = (
            "Nothing to set: only `--execute` or `plan apply` does anything, and `--dry-run` never."
        )
        return Taken(source, given, note=note)
    raise BadInputError(
        "bad_import",
        f"{source} can't be {given!r}.",
        why="Carrel has no setting that makes a dry run of everything, and must not seem to have.",
        cure="Set it to false, and leave `--execute` away or say `--dry-run`; nothing was changed.",
    )


_ALL_REPORTED = "Reports always have both parts."
RULES: dict[str, dict[str, Rule]] = {
    "quiet_hours": {
        "enabled": _same("policy.quiet_hours.enabled"),
        "start_time": _same("policy.quiet_hours.start"),
        "end_time": _same("policy.quiet_hours.end"),
        "timezone": _same("policy.quiet_hours.timezone"),
        "grace_period_hours": _in_minutes("policy.quiet_hours.grace_minutes"),
        "excluded_users": _joined("policy.exclusions.users"),
        "excluded_groups": _joined("policy.exclusions.groups"),
        "excluded_organizations": _joined("policy.exclusions.organizations"),
        "excluded_templates": _joined("policy.exclusions.templates"),
        "excluded_workspaces": _joined("policy.exclusions.workspaces"),
    },
    "ttl_monitor": {
        "enabled": _same("policy.time_to_live.enabled"),
        "warning_threshold_hours": _in_minutes("policy.time_to_live.threshold_minutes"),
        "check_interval_minutes": _same("watch.ttl_minutes"),
        "report_expired": _always(_ALL_REPORTED),
        "report_expiring_soon": _always(_ALL_REPORTED),
    },
    "autostop": {
        "enabled": _same("policy.autostop.enabled"),
        "batch_size": _same("safety.batch_size"),
        "notification_enabled": _warning,
        "max_concurrent_stops": _same("safety.max_concurrent_stops"),
    },
    "notifications": {
        "email_enabled": _email,
        "slack_webhook": _webhook("*", "Slack"),
        "teams_webhook": _webhook("*/*", "Teams"),
        "notification_threshold_minutes": _same("notifications.lead_minutes"),
    },
    "logging": {
        "level": _level,
        "file": _same("logging.log_file"),
        "log_file": _same("logging.log_file"),
        "max_size_mb": _same("logging.max_mb"),
        "backup_count": _same("logging.keep"),
    },
    "safety": {
        "max_stops_per_minute": _same("safety.max_stops_per_minute"),
        "emergency_stop_enabled": _same("safety.emergency_stop_enabled"),
        "rollback_enabled": _always("Every run can be undone within safety.rollback_hours."),
        "rollback_window_hours": _same("safety.rollback_hours"),
    },
    "prune_workspaces": {
        "enabled": _pruning,
        "default_quiet_hours_duration": _same("policy.prune.duration_hours"),
        "timezone": _same("policy.prune.timezone"),
        **{
            f"{side}_{kind}": _same(f"policy.prune.{side}_{kind}")
            for side in ("include", "exclude")
            for kind in ("organizations", "groups", "users", "templates")
        },
    },
}
"""What becomes of each key, by block."""

WHOLE: dict[str, Rule] = {"dry_run": _dry_run}
"""Keys outside of the blocks."""
_AGENTS = ("quiet_hours", "ttl_monitor", "autostop", "prune_workspaces")
"""Blocks that no other file has; `logging` and the like stand in the guide's, too."""


def is_agents_file(document: object, *, guide: bool) -> bool:
    """Tell whether a document is such a file, by its blocks.

    Args:
        document: The document.
        guide: It has the guide's block as well: then only the block of an agent tells.
    """
    names = _AGENTS if guide else RULES
    return isinstance(document, Mapping) and any(name in document for name in names)


def read(document: Mapping[str, object], file: str) -> list[Taken]:
    """Tell what becomes of each key of a file, in its order.

    Raises:
        BadInputError: `unknown_setting` with the nearest name; `bad_import`.
    """
    found: list[Taken] = []
    for name, content in document.items():
        if name in WHOLE:
            found.append(WHOLE[name](name, content))
            continue
        if name not in RULES:
            raise _unknown(name, [*RULES, *WHOLE], file)
        if not isinstance(content, Mapping):
            raise wrong(name, content, "a block of keys and values")
        for key, value in cast("Mapping[str, object]", content).items():
            source = f"{name}.{key}"
            if key not in RULES[name]:
                raise _unknown(source, [f"{name}.{one}" for one in RULES[name]], file)
            found.append(RULES[name][key](source, value))
    return found


def wrong(source: str, given: object, may: str) -> BadInputError:
    """Return the error for a value that can't be taken."""
    shown = given if given == "this value" else repr(given)
    return BadInputError(
        "bad_import",
        f"{source} can't be {shown}.",
        why=f"It takes {may}.",
        cure="Correct it in the file; nothing was changed.",
    )


def _unknown(name: str, known: list[str], file: str) -> BadInputError:
    near = get_close_matches(name, known, n=1, cutoff=0.5)
    return BadInputError(
        "unknown_setting",
        f"{file}: there is no setting {name!r}.",
        why="Nothing in Carrel is called so in such a file; nothing was changed.",
        cure=f"Did you mean {near[0]!r}?" if near else f"Known are: {', '.join(known)}.",
    )
