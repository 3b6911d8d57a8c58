"""The JSON document that each command on fleets answers with: its fields.

They are stable; tests compare them with what the commands say, and with the reference.
"""

RUN = "dry_run plan warned report"

ANSWERS: dict[str, str] = {
    "quiet-hours status": "at windows hours without running categories gaps",
    "quiet-hours categorize": "at windows categories workspaces gaps",
    "quiet-hours report": "at windows running categories organizations violations gaps",
    "quiet-hours run": f"{RUN} windows",
    "quiet-hours enterprise": "source why default users",
    "simulate coder": "url token workspaces people seed speed now",
}
"""Fields of the document itself."""
