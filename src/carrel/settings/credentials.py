"""Secrets that variables lend: read when they are needed, part of no settings, never written."""

import os
from collections.abc import Mapping

CODER_TOKENS = ("CODER_SESSION_TOKEN", "CODER_TOKEN")
"""Variables that may hold a Coder token; the first that does counts."""


def coder_token(environ: Mapping[str, str] | None = None) -> tuple[str, str]:
    """Return the variable that lends a Coder token, and the token; both empty when none does.

    Args:
        environ: The environment; that of this process when None.
    """
    variables = os.environ if environ is None else environ
    lent = ((name, variables.get(name, "").strip()) for name in CODER_TOKENS)
    return next(((name, token) for name, token in lent if token), ("", ""))
