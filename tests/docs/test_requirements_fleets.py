"""The map of what was asked for fleets is complete, and every proof that it names exists."""

import json
import re
from pathlib import Path

import pytest

import carrel
from carrel.settings.agents_file import RULES

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/reference/requirements-fleets.md").read_text()
ROW = re.compile(r"^\| (?!the documents ask for|---)(.+?) \| (.+?) \| (.+?) \|$", re.MULTILINE)
ROWS = [(section, *row) for section in PAGE.split("\n## ")[1:] for row in ROW.findall(section)]
PROOF = re.compile(r"`([\w/]+\.py)::(\w+)`")

TOOLS = {
    "quiet_hours_agent.py": "--status --categorize --execute --dry-run --force --verbose",
    "ttl_monitor_agent.py": "--report --user --monitor",
    "workspace_controller.py": "",
    "enterprise_quiet_hours.py": "--json --user",
    "prune_workspaces.py": "--all --include-org --exclude-org --include-group --exclude-group "
    "--include-user --exclude-user --include-template --exclude-template --cleanup --dry-run "
    "--duration --json",
    "autostop_agent.py": "",
    "example_usage.py": "",
    "coder_audit.py": "",
    "coder_dashboard.py": "",
    "get_and_bump_ttl_workspaces.py": "",
    "last_seen_monitor.py": "",
    "connect_count.py": "",
    "coder-last.py": "",
    "bash-version-dormancy.sh": "",
    "install.sh": "",
    "requirements.txt": "",
    "cron-examples.txt": "",
    "coder-agents.service": "",
    "agents_config.json": "",
}
SETTINGS = json.loads("""{
  "quiet_hours": ["enabled", "start_time", "end_time", "timezone", "grace_period_hours",
                  "excluded_users", "excluded_templates"],
  "ttl_monitor": ["enabled", "warning_threshold_hours", "check_interval_minutes"],
  "autostop": ["enabled", "batch_size", "notification_enabled"],
  "safety": ["max_stops_per_minute", "emergency_stop_enabled"]
}""")
METHODS = (
    "WorkspaceController()", "get_running_workspaces()", "QuietHoursAgent()",
    "is_grace_period_over()", "stop_workspaces_for_quiet_hours()", "TTLMonitorAgent()",
    "get_ttl_compliance_report()",
)  # fmt: skip
COUNTS = {"Safety features": 6, "Troubleshooting": 5, "Future enhancements": 5}
"""Points of a section that the documents number or list."""


def asked(section: str) -> str:
    return "\n".join(row[1] for row in ROWS if row[0].startswith(f"{section}\n"))


@pytest.mark.parametrize("tool", TOOLS)
def test_every_tool_and_each_of_its_flags_has_a_row(tool: str) -> None:
    mine = [line for line in asked("Tools").splitlines() if f"`{tool}" in line]
    assert mine
    told = " ".join(mine)
    assert [flag for flag in TOOLS[tool].split() if not re.search(rf"{flag}\b", told)] == []


@pytest.mark.parametrize("block", SETTINGS)
def test_every_key_of_the_configuration_has_a_row_and_is_imported(block: str) -> None:
    rows = asked("Settings of agents_config.json")
    (mine,) = [" ".join(line for line in rows.splitlines() if f"`{block}." in line)]
    assert [key for key in SETTINGS[block] if key not in mine] == []
    assert set(SETTINGS[block]) <= set(RULES[block])


@pytest.mark.parametrize("method", METHODS)
def test_every_documented_name_of_python_has_a_row_and_exists(method: str) -> None:
    assert f"`{method}`" in asked("Python")
    name = method.removesuffix("()")
    fronts = (carrel.WorkspaceController, carrel.QuietHoursAgent, carrel.TTLMonitorAgent)
    assert hasattr(carrel, name) or any(hasattr(front, name) for front in fronts)


@pytest.mark.parametrize("section", COUNTS)
def test_every_point_of_a_section_has_a_row(section: str) -> None:
    assert len(asked(section).splitlines()) == COUNTS[section]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[1][:60])
def test_every_row_is_proved_by_a_test_that_exists(row: tuple[str, str, str, str]) -> None:
    proofs = PROOF.findall(row[3])
    assert proofs
    for file, name in proofs:
        source = (ROOT / "tests" / file).read_text()
        assert re.search(rf"^def {name}\(", source, re.MULTILINE), f"{file}::{name}"
