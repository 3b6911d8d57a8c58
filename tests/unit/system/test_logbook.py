"""The log of what governs a fleet: one record a line, rotated, without secrets."""

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from carrel.errors import BadInputError, FailedError
from carrel.system.logbook import Logbook, LogFile


def records(file: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in file.read_text().splitlines()]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "logs" / "agents.log"


def test_a_record_has_its_action_its_facts_and_its_time(file: Path) -> None:
    book = Logbook(LogFile(str(file)))
    book.note("action.done", {"workspace": "ann/dev", "number": 3})
    book.close()
    (one,) = records(file)
    assert one["action"] == "action.done"
    assert (one["workspace"], one["number"], one["level"]) == ("ann/dev", 3, "info")
    assert str(one["timestamp"]).endswith("Z")


def test_what_went_wrong_is_a_warning_and_the_level_leaves_the_rest_out(file: Path) -> None:
    book = Logbook(LogFile(str(file), level="warning"))
    book.note("action.done", {})
    book.note("action.failed", {})
    book.note("govern.missed", {})
    book.note("said", {"level": "error"})
    book.close()
    told = [(one["action"], one["level"]) for one in records(file)]
    assert told == [("action.failed", "warning"), ("govern.missed", "warning"), ("said", "error")]


def test_no_secret_is_written(file: Path) -> None:
    book = Logbook(LogFile(str(file)))
    book.note("said", {"token": "s3cret-token", "url": "https://ann:s3cret-word@example.org/x"})
    book.close()
    assert "s3cret" not in file.read_text()
    assert records(file)[0]["token"] == "***"


def test_a_full_file_makes_room_and_so_many_older_ones_are_kept(file: Path) -> None:
    book = Logbook(LogFile(str(file), max_bytes=400, keep=2))
    for number in range(30):
        book.note("said", {"number": number})
    book.close()
    assert {one.name for one in file.parent.iterdir()} == {
        "agents.log",
        "agents.log.1",
        "agents.log.2",
    }
    assert all(one.stat().st_size <= 400 for one in file.parent.iterdir())
    assert records(file)[-1]["number"] == 29


def test_many_threads_may_write_the_first_record(file: Path) -> None:
    book = Logbook(LogFile(str(file)))
    begin = Barrier(8)

    def note(number: int) -> None:
        begin.wait()
        book.note("said", {"number": number})

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(note, range(8)))
    book.close()
    assert {one["number"] for one in records(file)} == set(range(8))


def test_it_goes_on_after_it_was_closed(file: Path) -> None:
    book = Logbook(LogFile(str(file)))
    book.note("one", {})
    book.close()
    book.note("two", {})
    book.close()
    assert [one["action"] for one in records(file)] == ["one", "two"]


def test_a_log_that_can_not_be_written_is_told_before_anything_is_done(tmp_path: Path) -> None:
    with pytest.raises(FailedError) as caught:
        Logbook(LogFile(str(tmp_path)))
    assert caught.value.code == "log_unwritable"
    assert "logging.log_file" in caught.value.cure


def test_the_missing_package_is_named(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("carrel.system.logbook.find_spec", lambda _: None)
    with pytest.raises(BadInputError) as caught:
        Logbook(LogFile(str(file)))
    assert caught.value.code == "extra_missing"
    assert "carrel[coder]" in caught.value.cure


def test_what_is_left_out_does_not_load_the_library(file: Path) -> None:
    code = (
        "import sys\nfrom carrel.system.logbook import Logbook, LogFile\n"
        f"book = Logbook(LogFile({str(file)!r}, level='info'))\n"
        "book.note('looked', {'level': 'debug'})\n"
        "assert not {'structlog', 'logging.handlers'} & set(sys.modules)\n"
        "book.note('done', {})\nassert 'structlog' in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    assert [one["action"] for one in records(file)] == ["done"]
