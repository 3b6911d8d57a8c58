"""Rules of the house that no tool checks."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
FILES = sorted(
    file.relative_to(ROOT)
    for folder in ("src", "tests", "bench")
    for file in ROOT.glob(f"{folder}/**/*.py")
)
LOCKS = sorted(file.name for file in ROOT.glob("*.lock"))
MOST_LINES = 450
VAGUE = {"common", "helper", "helpers", "misc", "util", "utils"}


def test_package_files_are_empty_except_the_root() -> None:
    packages = [file for file in FILES if file.parts[0] == "src" and file.name == "__init__.py"]
    full = [file for file in packages if (ROOT / file).read_bytes().strip()]
    assert [file for file in full if file != Path("src/carrel/__init__.py")] == []


def test_every_folder_of_code_is_a_package() -> None:
    folders = {file.parent for file in FILES if file.parts[:2] == ("src", "carrel")}
    assert [folder for folder in folders if not (ROOT / folder / "__init__.py").exists()] == []


def test_no_file_outgrows_its_concept() -> None:
    lines = {file: (ROOT / file).read_text().count("\n") for file in FILES}
    assert {str(file): count for file, count in lines.items() if count > MOST_LINES} == {}


def test_every_file_is_named_after_what_it_holds() -> None:
    assert [str(file) for file in FILES if file.stem in VAGUE] == []


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_file_names_no_host_and_no_machine(name: str) -> None:
    lock = (ROOT / name).read_text()
    assert re.findall(r"^.*(?:://|--(?!hash=)\w|(?<![\w.])/\w).*$", lock, re.MULTILINE) == []


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_file_pins_versions_and_hashes(name: str) -> None:
    text = (ROOT / name).read_text()
    entries = re.split(r"\n(?=[a-z0-9])", re.sub(r"^ *#.*\n", "", text, flags=re.MULTILINE))
    assert entries
    for entry in entries:
        assert re.match(r"[a-z0-9.\-]+==\S+", entry.strip()), entry
        assert "--hash=sha256:" in entry, entry


def test_the_lock_files_cover_what_the_project_names() -> None:
    wanted = {
        "requirements.lock": PROJECT["project"]["dependencies"],
        "requirements-dev.lock": PROJECT["dependency-groups"]["dev"],
        "requirements-node.lock": PROJECT["dependency-groups"]["node"],
    }
    for name, requirements in wanted.items():
        lock = (ROOT / name).read_text()
        names = [re.match(r"[\w.\-]+", requirement) for requirement in requirements]
        assert [one[0] for one in names if one and f"\n{one[0].lower()}==" not in lock] == []


def test_both_lock_files_agree() -> None:
    pins = [
        dict(re.findall(r"^([\w.\-]+)==(\S+)", (ROOT / name).read_text(), re.MULTILINE))
        for name in ("requirements.lock", "requirements-dev.lock")
    ]
    assert {
        name for name in pins[0].keys() & pins[1].keys() if pins[0][name] != pins[1][name]
    } == set()


def test_the_wiring_contract_names_every_adapter() -> None:
    contracts = {one["id"]: one for one in PROJECT["tool"]["importlinter"]["contracts"]}
    protected = set(contracts["wiring"]["protected_modules"])
    wired = ("agents", "backends", "engines", "forges", "policies", "roles", "stores")
    present = {f"carrel.{name}" for name in wired if (ROOT / "src" / "carrel" / name).is_dir()}
    assert present - protected == set(), "add these to the contract `wiring` in pyproject.toml"
