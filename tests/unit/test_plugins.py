from pathlib import Path

import pytest

from carrel.errors import BadInputError
from carrel.plugins import Catalog

PACKAGE = "carrel.backends.local"


def test_files_with_the_constant_are_plugins_and_others_are_not() -> None:
    names = Catalog(PACKAGE, "DRIVER", "unknown_driver").names()
    assert "overlay" in names
    assert "ladder" not in names


@pytest.mark.parametrize(
    ("name", "cure"),
    [("overlya", "'overlay'"), ("zzz", "checkout"), ("ladder", "overlay"), ("a-b", "checkout")],
)
def test_a_wrong_name_is_answered_with_the_nearest_one(name: str, cure: str) -> None:
    with pytest.raises(BadInputError) as caught:
        Catalog(PACKAGE, "DRIVER", "unknown_driver").load(name)
    assert caught.value.code == "unknown_driver"
    assert cure in caught.value.cure


def test_a_plugin_of_a_third_party_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "their_driver.py").write_text("DRIVER = 'theirs'\n")
    folder = tmp_path / "their-1.0.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: their\nVersion: 1.0\n")
    (folder / "entry_points.txt").write_text(f"[{PACKAGE}]\ntheirs = their_driver:DRIVER\n")
    monkeypatch.syspath_prepend(tmp_path)
    catalog = Catalog(PACKAGE, "DRIVER", "unknown_driver")
    assert "theirs" in catalog.names()
    assert catalog.load("theirs") == "theirs"
