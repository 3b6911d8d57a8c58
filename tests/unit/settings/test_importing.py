"""The guide's YAML block becomes carrel.toml."""

from pathlib import Path

import pytest

from carrel.domain.conflicts import Strategy
from carrel.errors import BadInputError, FailedError
from carrel.settings.importing import plan_import
from carrel.settings.loading import load

GUIDE = """\
# config/base.yaml
workspace:
  root: "workspaces"
  worker_dir: "/tmp/omoi_os_workspaces"
  max_count: 50
  max_depth: 10
  disk_threshold_gb: 10
  auto_merge: true
  conflict_strategy: "newest_file_wins"
"""


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return tmp_path / "base.yaml"


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "home" / "carrel.toml"


def test_the_guides_block_is_taken_whole(source: Path, target: Path) -> None:
    source.write_text(GUIDE)
    plan = plan_import(str(source), str(target))
    assert not target.exists()
    assert len(plan.taken) == 7
    assert plan.unknown == ()
    plan.write()
    assert target.read_text() == plan.text
    settings = load({"CARREL_HOME": str(target.parent)})
    assert settings.workspace.root == f"{target.parent}/workspaces"
    assert settings.workspace.auto_merge
    assert settings.workspace.conflict_strategy is Strategy.NEWEST_FILE_WINS
    assert {settings.origin(one.key) for one in plan.taken} == {str(target)}


def test_what_stands_there_is_kept_with_its_comments(source: Path, target: Path) -> None:
    source.write_text("deep:\n  - workspace: {max_count: 9, colour: blue}\n")
    target.parent.mkdir()
    target.write_text("# mine\n[workspace]\nroot = '/r'  # why\nmax_count = 5 # five\n[lfs]\n")
    target.chmod(0o640)
    plan = plan_import(str(source), str(target))
    assert plan.unknown == ("workspace.colour",)
    assert plan.text == "# mine\n[workspace]\nroot = '/r'  # why\nmax_count = 9 # five\n[lfs]\n"
    plan.write()
    assert target.stat().st_mode & 0o777 == 0o640
    assert [file.name for file in target.parent.iterdir()] == ["carrel.toml"]


@pytest.mark.parametrize("block", ["logging", "notifications", "safety", "database"])
def test_other_blocks_of_the_guides_file_do_not_hide_its_own(
    source: Path, target: Path, block: str
) -> None:
    source.write_text(f"{block}:\n  colour: blue\n{GUIDE}")
    assert len(plan_import(str(source), str(target)).taken) == 7


def test_a_file_of_agents_with_the_guides_block_is_not_taken_in_half(
    source: Path, target: Path
) -> None:
    source.write_text(f"quiet_hours:\n  enabled: true\n{GUIDE}")
    with pytest.raises(BadInputError) as caught:
        plan_import(str(source), str(target))
    assert caught.value.code == "unknown_setting"
    assert "'workspace'" in caught.value.what


def test_importing_again_changes_nothing(source: Path, target: Path) -> None:
    source.write_text(GUIDE)
    plan_import(str(source), str(target)).write()
    assert plan_import(str(source), str(target)).text == target.read_text()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("other: 1", "no block"),
        ("workspace: 7", "no block"),
        ("- a\n- b", "no block"),
        ("", "no block"),
        ("a: {workspace: {max_count: 1}}\nb: {workspace: {max_count: 2}}", "2 different"),
        ("workspace: [", "no YAML"),
        ("workspace: !!python/object/apply:os.system ['false']", "no YAML"),
    ],
)
def test_what_cannot_be_taken_is_refused(source: Path, target: Path, text: str, why: str) -> None:
    source.write_text(text)
    with pytest.raises(BadInputError) as caught:
        plan_import(str(source), str(target))
    assert caught.value.code == "bad_import"
    assert why in caught.value.why


def test_a_missing_source_is_refused(source: Path, target: Path) -> None:
    with pytest.raises(BadInputError) as caught:
        plan_import(str(source), str(target))
    assert str(source) in caught.value.what


def test_a_wrong_value_is_refused_by_name(source: Path, target: Path) -> None:
    source.write_text("workspace:\n  max_count: many\n")
    with pytest.raises(BadInputError) as caught:
        plan_import(str(source), str(target))
    assert caught.value.code == "bad_setting"
    assert caught.value.what.startswith(f"{source}: workspace.max_count")


@pytest.mark.parametrize("present", ["[workspace", "workspace = 1"])
def test_a_broken_target_is_left_alone(source: Path, target: Path, present: str) -> None:
    source.write_text(GUIDE)
    target.parent.mkdir()
    target.write_text(present)
    with pytest.raises(BadInputError) as caught:
        plan_import(str(source), str(target))
    assert str(target) in caught.value.what
    assert target.read_text() == present


def test_a_target_that_cannot_be_written_is_named(source: Path, tmp_path: Path) -> None:
    source.write_text(GUIDE)
    (tmp_path / "file").touch()
    plan = plan_import(str(source), str(tmp_path / "carrel.toml"))
    broken = type(plan)(str(tmp_path / "file" / "carrel.toml"), plan.text, plan.taken, ())
    with pytest.raises(FailedError) as caught:
        broken.write()
    assert caught.value.code == "settings_unwritable"
