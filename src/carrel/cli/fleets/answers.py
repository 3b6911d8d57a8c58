"""The JSON document that each command on fleets answers with: its fields.

They are stable; tests compare them with what the commands say, and with the reference.
"""

RUN = "dry_run plan warned report"
COMPLIANCE = (
    "at threshold_seconds organizations left_out running compliant percent standings "
    "should_have_stopped will_stop_soon workspaces gaps"
)
REPORT = "report at since until summary total"

ANSWERS: dict[str, str] = {
    **{
        f"fleet {name}": f"{REPORT} {of} notes"
        for of, names in (
            ("workspaces", "ls audit cost outdated deleted dormant compliance"),
            ("users", "activity last-seen connections"),
            ("sessions", "sessions"),
            ("organizations", "organizations"),
        )
        for name in names.split()
    },
    "fleet check": "url deployment_id version user features missing policies frozen",
    "fleet emergency-stop": RUN,
    "fleet bill import": "dry_run rows replaced unassigned lines",
    "fleet bill show": "since until months",
    "govern": RUN,
    "policy ls": "policies",
    "policy check": "ok offline findings",
    "policy explain": (
        "workspace workspace_id at answer decision winner due next_change inputs rules timeline "
        "gaps"
    ),
    "policy simulate": "at seen_at recorded plan decisions stopped_before started_before",
    "policy backtest": (
        "since until source policies steps currency running_hours saved_hours money saved_money "
        "stops hits came_back by_policy days notes"
    ),
    "policy forecast": (
        "since until rhythm sure why currency running_hours saved_hours money saved_money least "
        "most stops hits workspaces by_policy days notes"
    ),
    "plan ls": "plans",
    "plan show": "plan progress",
    "plan apply": RUN,
    "plan undo": RUN,
    "plan delete": RUN,
    "snooze": "made ended leases",
    "freeze": "by reason at",
    "unfreeze": "was_frozen freeze",
    "schedule cron": "files",
    "schedule systemd": "files",
    "schedule kubernetes": "files",
    "quiet-hours status": "at windows hours without running categories gaps",
    "quiet-hours categorize": "at windows categories workspaces gaps",
    "quiet-hours report": "at windows running categories organizations violations gaps",
    "quiet-hours run": f"{RUN} windows in_grace next_due",
    "quiet-hours enterprise": "source why default users",
    "ttl report": COMPLIANCE,
    "ttl watch": COMPLIANCE,
    "ttl set": RUN,
    "ttl extend": RUN,
    "autostop detect": "at prebuilt workspaces gaps",
    "autostop timeline": "at stops never prebuilt gaps",
    "autostop run": RUN,
    "prune": f"{RUN} windows workspaces unfit",
    "simulate coder": "url token workspaces people seed speed now",
}
"""Fields of the document itself."""
