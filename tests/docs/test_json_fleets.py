"""The page on the JSON documents of fleets has the fields that the commands answer with."""

import re
from pathlib import Path

from carrel.cli.fleets.answers import ANSWERS

PAGE = Path(__file__).parents[2] / "docs/reference/json-fleets.md"
ROW = re.compile(r"^\| (`[a-z][\w -]*`(?:, `[a-z][\w -]*`)*) \| (`.*`) \|$", re.MULTILINE)


def test_every_command_on_fleets_is_listed_with_its_fields() -> None:
    table = PAGE.read_text().partition("\n## ")[0]
    listed = {
        name: " ".join(re.findall(r"`(\w+)`", fields))
        for names, fields in ROW.findall(table)
        for name in re.findall(r"`([^`]+)`", names)
    }
    assert listed == ANSWERS
