"""Defaults, then carrel.toml, then the environment; every value with its origin."""

import json
from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest

from carrel.domain.conflicts import ConflictKind, Side, Strategy
from carrel.errors import BadInputError
from carrel.settings.credentials import coder_token
from carrel.settings.loading import OF_THE_GUIDE, load, variable_of
from carrel.settings.values import Settings, keys

ROOT = Path(__file__).parents[3]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


def _load(home: Path, text: str | None = None, **variables: str) -> Settings:
    home.mkdir(exist_ok=True)
    if text is not None:
        (home / "carrel.toml").write_text(text)
    return load({"CARREL_HOME": str(home), **variables})


def _refusal(home: Path, text: str | None = None, **variables: str) -> BadInputError:
    with pytest.raises(BadInputError) as caught:
        _load(home, text, **variables)
    return caught.value


# --- where things are ------------------------------------------------------------------------


def test_defaults_stand_in_carrels_home(home: Path) -> None:
    settings = load({"CARREL_HOME": str(home)})
    assert not home.exists()
    assert settings.home == str(home)
    assert settings.database.url == f"sqlite:///{home}/carrel.db"
    assert settings.workspace.root == f"{home}/workspaces"
    assert settings.workspace.max_count == 50
    assert settings.workspace.conflict_strategy is Strategy.NEWEST_FILE_WINS
    assert settings.merge.tie is Side.CHILD
    assert settings.origin("workspace.root") == "default"
    assert settings.origin("home") == "CARREL_HOME"


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"HOME": "/h"}, "/h/.local/share/carrel"),
        ({"HOME": "/h", "XDG_DATA_HOME": "/data"}, "/data/carrel"),
        ({"HOME": "/h", "XDG_DATA_HOME": "relative"}, "/h/.local/share/carrel"),
        ({"HOME": "/h", "XDG_DATA_HOME": "/data", "CARREL_HOME": "/c"}, "/c"),
        ({"HOME": "/h", "CARREL_HOME": "~/c"}, "/h/c"),
        ({"HOME": "/h", "CARREL_HOME": ""}, "/h/.local/share/carrel"),
    ],
)
def test_home(variables: dict[str, str], expected: str) -> None:
    assert load(variables).home == expected


def test_a_relative_home_is_made_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert load({"CARREL_HOME": "state"}).home == str(tmp_path / "state")


@pytest.mark.parametrize(
    ("text", "root"),
    [
        ("", "{home}/workspaces"),
        ("[workspace]\nroot = '/r'", "/r"),
        ("[workspace]\nroot = 'ws'", "{home}/ws"),
        ("[workspace]\nworker_dir = '/w'", "/w"),
        ("[workspace]\nworker_dir = '/w'\nroot = '/r'", "/r"),
    ],
)
def test_worker_dir_is_the_root_where_no_root_is_given(home: Path, text: str, root: str) -> None:
    assert _load(home, text).workspace.root == root.format(home=home)


def test_the_origin_of_a_root_is_that_of_worker_dir(home: Path) -> None:
    settings = _load(home, WORKSPACE_WORKER_DIR="/w")
    assert settings.origin("workspace.root") == "WORKSPACE_WORKER_DIR"


def test_a_relative_database_file_stands_in_carrels_home(home: Path) -> None:
    settings = _load(home, "[database]\nurl = 'sqlite:///other.db'")
    assert settings.database.url == f"sqlite:///{home}/other.db"


# --- who wins --------------------------------------------------------------------------------


def test_the_environment_wins_over_the_guides_names_over_the_file(home: Path) -> None:
    text = "[workspace]\nmax_count = 1\nmax_depth = 1\ndisk_threshold_gb = 1"
    settings = _load(
        home,
        text,
        WORKSPACE_MAX_COUNT="2",
        WORKSPACE_MAX_DEPTH="2",
        CARREL_WORKSPACE_MAX_COUNT="3",
    )
    workspace = settings.workspace
    assert (workspace.max_count, workspace.max_depth, workspace.disk_threshold_gb) == (3, 2, 1)
    assert settings.origin("workspace.max_count") == "CARREL_WORKSPACE_MAX_COUNT"
    assert settings.origin("workspace.max_depth") == "WORKSPACE_MAX_DEPTH"
    assert settings.origin("workspace.disk_threshold_gb") == str(home / "carrel.toml")


def test_every_variable_of_the_guide_is_honoured(home: Path) -> None:
    workspace = _load(
        home,
        WORKSPACE_ROOT="/r",
        WORKSPACE_WORKER_DIR="/w",
        WORKSPACE_MAX_COUNT="7",
        WORKSPACE_MAX_DEPTH="3",
        WORKSPACE_DISK_THRESHOLD_GB="2.5",
        WORKSPACE_AUTO_MERGE="true",
        WORKSPACE_CONFLICT_STRATEGY="parent",
    ).workspace
    assert (workspace.root, workspace.worker_dir) == ("/r", "/w")
    assert (workspace.max_count, workspace.max_depth, workspace.disk_threshold_gb) == (7, 3, 2.5)
    assert workspace.auto_merge
    assert workspace.conflict_strategy is Strategy.PARENT


def test_an_empty_variable_is_none(home: Path) -> None:
    settings = _load(home, CARREL_WORKSPACE_MAX_COUNT="", WORKSPACE_MAX_DEPTH="")
    assert settings.workspace.max_count == 50
    assert settings.workspace.max_depth == 10


def test_carrel_config_names_another_file(home: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.toml"
    other.write_text("[identity]\nname = 'Someone'")
    settings = _load(home, "[identity]\nname = 'Ignored'", CARREL_CONFIG=str(other))
    assert settings.identity.name == "Someone"
    assert settings.origin("identity.name") == str(other)


# --- every kind of value ---------------------------------------------------------------------

SAME = [
    ("workspace.max_count", "7", "7", 7),
    ("workspace.disk_threshold_gb", "0.5", "0.5", 0.5),
    ("checkpoint.max_file_mb", "3", "3", 3.0),
    ("workspace.auto_merge", "true", "yes", True),
    ("merge.tie", "'parent'", "parent", Side.PARENT),
    ("files.copy", "['.env', '*.local']", ".env, *.local", (".env", "*.local")),
    ("files.share", "['a,b']", '["a,b"]', ("a,b",)),
    ("merge.command", "['merge', '-3']", '["merge", "-3"]', ("merge", "-3")),
    (
        "merge.globs",
        "{'*.md' = 'union', '**' = 'fail'}",
        "*.md=union, **=fail",
        (("*.md", Strategy.UNION), ("**", Strategy.FAIL)),
    ),
    (
        "merge.kinds",
        "{'add/add' = 'child'}",
        '{"add/add": "child"}',
        ((ConflictKind.ADD_ADD, Strategy.CHILD),),
    ),
]


@pytest.mark.parametrize(("key", "written", "variable", "value"), SAME)
def test_a_file_and_a_variable_say_the_same(
    home: Path, key: str, written: str, variable: str, value: object
) -> None:
    section, _, name = key.partition(".")
    for settings in (
        _load(home, f"[{section}]\n{name} = {written}"),
        _load(home, "", **{variable_of(key): variable}),
    ):
        assert getattr(getattr(settings, section), name) == value


WRONG = [
    ("safety.max_percent", "100.5", "up to 100"),
    ("safety.max_percent", "0", "above 0"),
    ("workspace.max_count", "0", "at least 1"),
    ("workspace.max_count", "1.5", "whole number"),
    ("workspace.max_count", "true", "whole number"),
    ("workspace.max_count", "'7'", "whole number"),
    ("workspace.disk_threshold_gb", "-1", "at least 0"),
    ("coder.plan_days", "36501", "from 0 to 36500"),
    ("workspace.disk_threshold_gb", "nan", "at least 0"),
    ("workspace.disk_threshold_gb", "inf", "at least 0"),
    ("checkpoint.max_file_mb", "0", "above 0"),
    ("workspace.auto_merge", "'yes'", "true or false"),
    ("workspace.auto_merge", "1", "true or false"),
    ("workspace.conflict_strategy", "'newest'", "newest_file_wins, child, parent"),
    ("workspace.root", "7", "a folder"),
    ("files.copy", "'.env'", "a list"),
    ("files.copy", "['.env', 7]", "a list"),
    ("merge.globs", "['*.md']", "a table"),
    ("merge.globs", "{'' = 'union'}", "a table"),
    ("merge.globs", "{'*.md' = 'newest'}", "a table"),
    ("merge.kinds", "{'addadd' = 'union'}", "a table"),
]


@pytest.mark.parametrize(("key", "written", "allowed"), WRONG)
def test_a_wrong_value_is_refused_by_place_name_and_what_is_allowed(
    home: Path, key: str, written: str, allowed: str
) -> None:
    section, _, name = key.partition(".")
    error = _refusal(home, f"# a comment\n[{section}]\n{name} = {written}")
    assert error.code == "bad_setting"
    assert error.what.startswith(f"{home}/carrel.toml:3: {key}")
    assert allowed in error.why


@pytest.mark.parametrize(
    ("variable", "written"),
    [
        ("CARREL_WORKSPACE_MAX_COUNT", "many"),
        ("CARREL_WORKSPACE_AUTO_MERGE", "perhaps"),
        ("CARREL_FILES_COPY", "[broken"),
        ("CARREL_MERGE_GLOBS", "*.md"),
        ("WORKSPACE_CONFLICT_STRATEGY", "newest"),
    ],
)
def test_a_wrong_variable_is_named(home: Path, variable: str, written: str) -> None:
    error = _refusal(home, **{variable: written})
    assert error.code == "bad_setting"
    assert error.what.startswith(f"{variable}: ")
    assert repr(written) in error.what


@pytest.mark.parametrize(
    ("text", "place", "near"),
    [
        ("[workspace]\nmax_cuont = 1", ":2", "workspace.max_count"),
        ("[worksapce]\nmax_count = 1", ":1", "workspace"),
        ("[merge]\ntie = 'child'\n[retention]\ntie = 1", ":4", "merge.tie"),
        ("workspce = 1", ":1", "workspace"),
    ],
)
def test_an_unknown_key_is_refused_with_the_nearest(
    home: Path, text: str, place: str, near: str
) -> None:
    error = _refusal(home, text)
    assert error.code == "unknown_setting"
    assert error.what.startswith(f"{home}/carrel.toml{place}: ")
    assert near in error.cure


def test_an_unknown_variable_of_ours_is_refused_with_the_nearest(home: Path) -> None:
    error = _refusal(home, CARREL_WORKSPACE_MAX_COUMT="1")
    assert error.code == "unknown_setting"
    assert "CARREL_WORKSPACE_MAX_COUNT" in error.cure


def test_variables_that_are_not_settings_are_left_alone(home: Path) -> None:
    _load(home, CARREL_TEST_POSTGRES="x", CARREL_FAULT="x", WORKSPACE_OTHER="x")


@pytest.mark.parametrize(
    "written", [b"[workspace", b"[workspace]\nroot = '\xff'", b"workspace = 1", b"[a]\n[a]"]
)
def test_a_broken_file_is_named(home: Path, written: bytes) -> None:
    home.mkdir()
    (home / "carrel.toml").write_bytes(written)
    error = _refusal(home)
    assert error.code in {"bad_settings_file", "unknown_setting"}
    assert str(home / "carrel.toml") in error.what


def test_a_file_that_cannot_be_read_is_named(home: Path) -> None:
    (home / "carrel.toml").mkdir(parents=True)
    assert _refusal(home).code == "bad_settings_file"


def test_a_named_file_must_exist(home: Path) -> None:
    assert _refusal(home, CARREL_CONFIG="/nowhere.toml").code == "settings_file_missing"


# --- told to a person ------------------------------------------------------------------------


def test_describe_tells_every_setting_as_json_with_its_meaning(home: Path) -> None:
    settings = _load(home, "[merge.globs]\n'*.md' = 'union'", CARREL_FILES_COPY=".env")
    told = settings.describe()
    assert [line.key for line in told] == ["home", *(key for key, _ in keys())]
    values = {line.key: line.value for line in told}
    assert json.loads(json.dumps(values)) == values
    assert values["merge.globs"] == {"*.md": "union"}
    assert values["merge.kinds"] == {}
    assert values["files.copy"] == [".env"]
    assert values["workspace.auto_merge"] is False
    assert all(line.meaning.endswith((".", ")")) for line in told)


def test_a_password_is_never_shown(home: Path) -> None:
    url = "postgresql://me:hunter2@db.example/carrel"
    settings = _load(home, CARREL_DATABASE_URL=url)
    assert settings.database.url == url
    shown = f"{settings!r} {settings.database!r} {settings.describe()!r}"
    assert "hunter2" not in shown
    assert "postgresql://me:***@db.example/carrel" in shown
    assert "hunter2" not in str(_refusal(home, CARREL_DATABASE_URL="hunter2\nx"))


def test_settings_are_frozen(home: Path) -> None:
    with pytest.raises(FrozenInstanceError):
        _load(home).workspace.root = "/elsewhere"  # type: ignore[misc]


def test_the_reference_page_tells_every_setting() -> None:
    page = (ROOT / "docs/reference/settings.md").read_text()
    for key, known in keys():
        section, _, name = key.partition(".")
        assert f"| `{name}` |" in page.partition(f"\n## `[{section}]`")[2].partition("\n## ")[0]
        assert variable_of(key) in page
        assert known.meaning in page
    for variable, key in OF_THE_GUIDE.items():
        assert f"| `{variable}` | `{key}` |" in page


def test_the_variables_of_coders_own_programs_are_honoured(tmp_path):
    environ = {"CARREL_HOME": str(tmp_path), "CODER_URL": "https://coder.example.com"}
    found = load(environ)
    assert found.coder.url == "https://coder.example.com"
    assert found.origin("coder.url") == "CODER_URL"
    ours = load({**environ, "CARREL_CODER_URL": "https://ours.example.com"})
    assert ours.coder.url == "https://ours.example.com"


def test_files_of_coder_are_taken_from_the_home(tmp_path):
    (tmp_path / "carrel.toml").write_text('[coder]\ntoken_file = "token"\nca_file = "/etc/ca"\n')
    found = load({"CARREL_HOME": str(tmp_path)}).coder
    assert (found.token_file, found.ca_file) == (f"{tmp_path}/token", "/etc/ca")


def test_a_login_in_the_address_of_coder_is_masked_where_settings_are_shown(tmp_path):
    found = load({"CARREL_HOME": str(tmp_path), "CODER_URL": "https://ada:hunter2@c.example"})
    assert "hunter2" not in repr(found.describe())


@pytest.mark.parametrize(
    ("environ", "found"),
    [
        ({}, ("", "")),
        ({"CODER_TOKEN": " b \n"}, ("CODER_TOKEN", "b")),
        ({"CODER_SESSION_TOKEN": "a", "CODER_TOKEN": "b"}, ("CODER_SESSION_TOKEN", "a")),
        ({"CODER_SESSION_TOKEN": " ", "CODER_TOKEN": "b"}, ("CODER_TOKEN", "b")),
    ],
)
def test_a_variable_lends_the_token_of_coder(environ, found):
    assert coder_token(environ) == found
