"""The command line in this very process, as its own tests have it."""

from tests.unit.cli.conftest import cli, let_go

__all__ = ["cli", "let_go"]
