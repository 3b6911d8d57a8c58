"""A unit for systemd."""

from datetime import timedelta

from carrel.cli.schedules.place import Place


def unit(place: Place, every: timedelta) -> str:
    """Return the service that governs a fleet for ever."""
    interval = f"{int(every.total_seconds())}s"
    program = " ".join(_word(one) for one in place.program)
    variables = [f'Environment="{_text(f"{name}={value}")}"' for name, value in place.variables]
    lines = [
        "# Carrel governs the fleet. To take it in:",
        "#   carrel schedule systemd | sudo tee /etc/systemd/system/carrel-govern.service",
        "#   sudo systemctl daemon-reload && sudo systemctl enable --now carrel-govern",
        *place.lacking(*_TOKEN),
        "[Unit]",
        "Description=Carrel governs a fleet of workspaces",
        "Wants=network-online.target",
        "After=network-online.target",
        "",
        "[Service]",
        "Type=exec",
        *([f"User={place.user}"] if place.user not in {"", "root"} else []),
        *variables,
        "# May lend CODER_SESSION_TOKEN; keep it readable by root alone.",
        "EnvironmentFile=-/etc/carrel/govern.env",
        f"ExecStart={program} govern --watch --interval {interval}",
        "# Whatever ends it, even in the middle of a plan: the next one goes on where it was.",
        "Restart=always",
        "RestartSec=30",
        "NoNewPrivileges=yes",
        "ProtectSystem=full",
        "ProtectKernelTunables=yes",
        "ProtectControlGroups=yes",
        "RestrictSUIDSGID=yes",
        "",
        "[Install]",
        "WantedBy=multi-user.target",
    ]
    return "\n".join(lines) + "\n"


_TOKEN = (
    "# A service has no token of yours: name a private file as token_file under [coder] in",
    "# carrel.toml, or write CODER_SESSION_TOKEN=... into /etc/carrel/govern.env.",
)


def _text(value: str) -> str:
    """Return a value inside double quotes; systemd expands `%` and unescapes backslashes."""
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")


def _word(value: str) -> str:
    text = _text(value).replace("$", "$$")
    return f'"{text}"' if " " in text or '"' in text else text
