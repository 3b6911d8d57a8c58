"""Secrets are taken out of what is shown, in a time that grows with the text and no faster."""

import pytest

from carrel.system.scrubbing import last_words, scrubbed


@pytest.mark.parametrize(
    ("told", "shown"),
    [
        ("see https://me:hush@host/x", "see https://***@host/x"),
        ("MY_API_TOKEN=hush now", "MY_API_TOKEN=*** now"),
        ("Authorization: Bearer hush", "Authorization: ***"),
        ("'db-password' : hush", "'db-password' : ***"),
        ("no secret at all: 5", "no secret at all: 5"),
    ],
)
def test_secrets_are_hidden_by_their_place_or_name(told: str, shown: str) -> None:
    assert last_words(told.encode()) == shown


def test_long_words_are_no_trap() -> None:
    """Where each character began the search anew, this would outlast every patience."""
    long = "x" * 400_000
    assert scrubbed(f"{long} https://me:hush@host/") == f"{long} https://***@host/"
    assert last_words(f"{'token-' * 3_000}key={'x' * 50}".encode()).endswith("token-key=***")
