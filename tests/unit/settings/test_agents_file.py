"""An agents_config.json becomes carrel.toml, key by key, and nothing of it is lost in silence."""

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from carrel import bootstrap
from carrel.errors import BadInputError
from carrel.settings.agents_file import RULES, WHOLE
from carrel.settings.importing import Import, plan_import
from carrel.settings.loading import load

DOCUMENTED: dict[str, Any] = {
    "quiet_hours": {
        "enabled": True,
        "start_time": "18:00",
        "end_time": "08:00",
        "timezone": "Europe/London",
        "grace_period_hours": 1.5,
        "excluded_users": ["admin"],
        "excluded_templates": ["production-template-id"],
    },
    "ttl_monitor": {
        "enabled": True,
        "warning_threshold_hours": 1,
        "check_interval_minutes": 20,
    },
    "autostop": {"enabled": True, "batch_size": 7, "notification_enabled": True},
    "safety": {"max_stops_per_minute": 12, "emergency_stop_enabled": False},
}
BLOCKS: dict[str, Any] = {
    "logging": {"level": "WARN", "file": "fleet.log", "max_size_mb": 3, "backup_count": 2},
    "notifications": {
        "email_enabled": False,
        "slack_webhook": "https://hooks.example.org/services/T/B/C",
        "teams_webhook": "",
        "notification_threshold_minutes": 25,
    },
    "prune_workspaces": {
        "enabled": True,
        "default_quiet_hours_duration": 8,
        "timezone": "UTC",
        "include_organizations": ["engineering"],
        "exclude_organizations": ["production"],
        "include_groups": [],
        "exclude_groups": ["on-call"],
        "include_users": [],
        "exclude_users": ["admin"],
        "include_templates": [],
        "exclude_templates": ["critical"],
    },
}


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "home" / "carrel.toml"


def planned(tmp_path: Path, target: Path, document: object) -> Import:
    source = tmp_path / "agents_config.json"
    source.write_text(json.dumps(document))
    return plan_import(str(source), str(target))


def test_every_key_of_the_documented_file_becomes_something(tmp_path: Path, target: Path) -> None:
    plan = planned(tmp_path, target, DOCUMENTED)
    assert {one.source for one in plan.taken} == {
        f"{block}.{key}" for block, content in DOCUMENTED.items() for key in content
    }
    assert all(one.key for one in plan.taken)
    plan.write()
    settings = load({"CARREL_HOME": str(target.parent)})
    tables = dict(settings.policies)
    assert tables["quiet_hours"] == {
        "enabled": True,
        "start": "18:00",
        "end": "08:00",
        "timezone": "Europe/London",
        "grace_minutes": 90,
    }
    assert tables["exclusions"] == {"users": ["admin"], "templates": ["production-template-id"]}
    assert tables["time_to_live"] == {"enabled": True, "threshold_minutes": 60}
    assert tables["autostop"] == {"enabled": True}
    assert settings.watch.ttl_minutes == 20
    assert settings.safety.batch_size == 7
    assert settings.safety.max_stops_per_minute == 12
    assert not settings.safety.emergency_stop_enabled


def test_the_blocks_that_such_files_carry_are_taken(tmp_path: Path, target: Path) -> None:
    planned(tmp_path, target, DOCUMENTED | BLOCKS).write()
    settings = load({"CARREL_HOME": str(target.parent)})
    assert settings.logging.level == "warning"
    assert settings.logging.log_file == str(target.parent / "fleet.log")
    assert (settings.logging.max_mb, settings.logging.keep) == (3, 2)
    assert settings.notifications.enabled
    assert settings.notifications.lead_minutes == 25
    assert settings.notifications.routes == (("*", "https://hooks.example.org/services/T/B/C"),)
    prune = dict(settings.policies)["prune"]
    assert prune["duration_hours"] == 8
    assert prune["include_organizations"] == ["engineering"]
    assert prune["exclude_groups"] == ["on-call"]


def test_what_was_imported_is_what_the_policies_read(
    tmp_path: Path, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CARREL_HOME", str(target.parent))
    planned(tmp_path, target, DOCUMENTED | BLOCKS).write()
    names = {one.name for one in bootstrap.policies()}
    assert names >= {"quiet_hours", "time_to_live", "autostop", "prune", "exclusions"}


@pytest.mark.parametrize("block", RULES)
def test_every_known_key_has_a_rule_that_answers(block: str, tmp_path: Path, target: Path) -> None:
    for key, rule in RULES[block].items():
        answers = []
        for value in (True, ["a"], 1, "https://hooks.example.org/a"):
            with suppress(BadInputError):
                answers.append(rule(f"{block}.{key}", value))
        assert answers, key
        assert all(found.key or found.note for found in answers), key


@pytest.mark.parametrize(
    ("document", "near"),
    [
        ({"quiet_hour": {}, "safety": {}}, "quiet_hours"),
        ({"quiet_hours": {"start": "18:00"}}, "quiet_hours.start_time"),
        ({"safety": {"max_stops_a_minute": 3}}, "safety.max_stops_per_minute"),
        ({"safety": {}, "dryrun": False}, "dry_run"),
    ],
)
def test_an_unknown_key_is_refused_with_the_nearest_name(
    document: object, near: str, tmp_path: Path, target: Path
) -> None:
    with pytest.raises(BadInputError) as caught:
        planned(tmp_path, target, document)
    assert caught.value.code == "unknown_setting"
    assert repr(near) in caught.value.cure
    assert not target.exists()


def test_warnings_stay_off_where_nobody_can_be_reached(tmp_path: Path, target: Path) -> None:
    plan = planned(tmp_path, target, DOCUMENTED)
    (one,) = [one for one in plan.taken if one.source == "autostop.notification_enabled"]
    assert one.value is False
    assert "no address" in one.note
    target.parent.mkdir()
    target.write_text('[notifications.routes]\nmail = "mailtos://example.org"\n')
    plan = planned(tmp_path, target, DOCUMENTED)
    (one,) = [one for one in plan.taken if one.source == "autostop.notification_enabled"]
    assert one.value is True


@pytest.mark.parametrize(
    ("given", "level"),
    [("INFO", "info"), ("CRITICAL", "error"), ("FATAL", "error"), ("NOTSET", "debug")],
)
def test_levels_of_logs_are_those_that_are_nearest(
    given: str, level: str, tmp_path: Path, target: Path
) -> None:
    planned(tmp_path, target, {"logging": {"level": given}}).write()
    assert load({"CARREL_HOME": str(target.parent)}).logging.level == level


def test_an_address_is_written_privately_and_shown_nowhere(tmp_path: Path, target: Path) -> None:
    plan = planned(tmp_path, target, BLOCKS)
    assert "hooks.example.org" not in json.dumps(plan.became())
    plan.write()
    assert target.stat().st_mode & 0o777 == 0o600
    broken = {"notifications": {"slack_webhook": "secret without a scheme"}}
    with pytest.raises(BadInputError) as caught:
        planned(tmp_path, target, broken)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("present", ['["boss"]', '"boss"'])
def test_what_is_excluded_already_stays_excluded(
    present: str, tmp_path: Path, target: Path
) -> None:
    target.parent.mkdir()
    target.write_text(f"# ours\n[policy.exclusions]\nusers = {present}  # always\n")
    plan = planned(tmp_path, target, DOCUMENTED)
    plan.write()
    assert dict(load({"CARREL_HOME": str(target.parent)}).policies)["exclusions"]["users"] == [
        "boss",
        "admin",
    ]
    assert target.read_text().startswith("# ours\n")
    assert planned(tmp_path, target, DOCUMENTED).text == plan.text


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({"dry_run": True, "safety": {}}, "dry_run"),
        ({"safety": 3}, "safety"),
        ({"ttl_monitor": {"report_expired": "yes"}}, "ttl_monitor.report_expired"),
        ({"notifications": {"email_enabled": "no"}}, "notifications.email_enabled"),
        ({"notifications": {"teams_webhook": 7}}, "notifications.teams_webhook"),
    ],
)
def test_what_can_not_be_kept_is_refused(
    document: object, said: str, tmp_path: Path, target: Path
) -> None:
    with pytest.raises(BadInputError) as caught:
        planned(tmp_path, target, document)
    assert caught.value.code == "bad_import"
    assert said in caught.value.what


def test_a_switch_that_can_only_be_on_is_told_when_it_is_off(tmp_path: Path, target: Path) -> None:
    plan = planned(tmp_path, target, {"safety": {"rollback_enabled": False}})
    assert plan.taken[0].key == ""
    assert "can't be switched off" in plan.taken[0].note


def test_a_value_of_the_wrong_kind_is_refused_by_its_setting(tmp_path: Path, target: Path) -> None:
    with pytest.raises(BadInputError) as caught:
        planned(tmp_path, target, {"safety": {"max_stops_per_minute": "ten"}})
    assert caught.value.code == "bad_setting"
    assert "safety.max_stops_per_minute" in caught.value.what


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("timezone", "Mars/Olympus"),
        ("start_time", "25:99"),
        ("grace_period_hours", "one"),
        ("grace_period_hours", True),
    ],
)
def test_what_a_policy_can_not_read_is_refused_before_it_is_written(
    key: str, value: object, tmp_path: Path, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CARREL_HOME", str(target.parent))
    source = tmp_path / "agents_config.json"
    quiet = DOCUMENTED["quiet_hours"] | {key: value}
    source.write_text(json.dumps({"quiet_hours": quiet}))
    with pytest.raises(BadInputError) as caught:
        bootstrap.settings_import(str(source))
    assert caught.value.code == "bad_policy"
    assert not target.exists()


def test_no_json_is_told_with_its_place(tmp_path: Path, target: Path) -> None:
    source = tmp_path / "agents_config.json"
    source.write_text('{"safety": {\n"max_stops_per_minute": }}')
    with pytest.raises(BadInputError) as caught:
        plan_import(str(source), str(target))
    assert "line 2" in caught.value.why


def test_the_settings_page_tells_what_each_key_becomes() -> None:
    page = (Path(__file__).parents[3] / "docs/reference/settings.md").read_text()
    named = [*WHOLE, *(f"{block}.{key}" for block, keys in RULES.items() for key in keys)]
    assert [name for name in named if f"| `{name}` |" not in page] == []
