"""The reference page says what the program says."""

from pathlib import Path

from carrel.cli.reference import page

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "command-line.md"


def test_the_reference_is_in_step_with_the_help() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), (
        "write it anew: python -m carrel.cli.reference > docs/reference/command-line.md"
    )
