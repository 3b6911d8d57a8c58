"""Files for timers: ready to use, without a secret, and of the shape that their readers want."""

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from carrel.cli.fleets.answers import ANSWERS

Cli = Callable[..., Any]
SECRET = "s3cret-token"


@pytest.fixture(autouse=True)
def settings(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CODER_URL", "https://coder.example.com")
    monkeypatch.setenv("CODER_SESSION_TOKEN", SECRET)


def printed(cli: Cli, kind: str, *options: str) -> str:
    """Return what is printed; the document holds the same."""
    out = str(cli("schedule", kind, *options).out)
    document = cli("schedule", kind, *options, "--json").json
    assert set(document) == set(ANSWERS[f"schedule {kind}"].split())
    (file,) = document["files"]
    assert file["content"] == out
    assert SECRET not in out
    return out


def test_cron_governs_and_reports(cli: Cli, tmp_path: Path) -> None:
    lines = [line for line in printed(cli, "cron").splitlines() if not line.startswith("#")]
    variables = dict(line.split("=", 1) for line in lines if re.match(r"[A-Z_]+=", line))
    assert variables["CARREL_HOME"] == str(tmp_path / "home")
    assert variables["CODER_URL"] == "https://coder.example.com"
    govern, report = [line for line in lines if not re.match(r"[A-Z_]+=", line)]
    assert re.fullmatch(r"\*/15 \* \* \* \* /\S+carrel govern --once >/dev/null", govern)
    assert re.match(r"0 \* \* \* \* /\S+carrel ttl report > /", report)


@pytest.mark.parametrize(
    ("every", "fields"),
    [
        ("1m", "* * * * *"),
        ("5", "*/5 * * * *"),
        ("1h", "0 * * * *"),
        ("6h", "0 */6 * * *"),
        ("1d", "0 0 * * *"),
    ],
)
def test_an_interval_is_said_in_the_words_of_cron(every: str, fields: str, cli: Cli) -> None:
    assert f"\n{fields} /" in printed(cli, "cron", "--every", every)
    (_, job) = yaml.safe_load_all(printed(cli, "kubernetes", "--every", every))
    assert job["spec"]["schedule"] == fields


@pytest.mark.parametrize("every", ["7m", "90m", "30s", "5h", "2d", "soon", "0m"])
def test_what_cron_can_not_say_is_refused(every: str, cli: Cli) -> None:
    said = cli("schedule", "cron", "--every", every, "--json", expect=2)
    assert said.error["code"] == "bad_duration"


def test_a_percent_sign_is_no_new_line_for_cron(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CARREL_HOME", str(tmp_path / "100% ours"))
    told = printed(cli, "cron")
    assert f'CARREL_HOME="{tmp_path}/100% ours"' in told
    assert "100\\% ours/ttl-report.txt'" in told


def test_what_a_timer_can_not_know_is_said(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CODER_URL")
    for kind in ("cron", "systemd"):
        told = printed(cli, kind)
        assert "No deployment is named yet" in told
        assert "token_file" in told
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "carrel.toml").write_text(
        '[coder]\nurl = "https://coder.example.com"\ntoken_file = "/etc/carrel/token"\n'
    )
    for kind in ("cron", "systemd"):
        told = printed(cli, kind)
        assert "No deployment" not in told
        assert "token" not in told.partition("[Unit]")[0]
        assert "CODER_URL" not in told  # the settings file has it


def test_the_unit_is_one_that_systemd_takes(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CARREL_HOME", str(tmp_path / 'a "home" of 100%'))
    told = printed(cli, "systemd", "--every", "2m")
    assert "govern --watch --interval 120s" in told
    assert "Restart=always" in told
    assert '"CARREL_HOME=' in told
    assert '100%%"' in told
    unit = tmp_path / "carrel-govern.service"
    unit.write_text(told)
    verify = shutil.which("systemd-analyze")
    if verify is None:
        pytest.skip("needs systemd-analyze (package systemd)")
    done = subprocess.run([verify, "verify", unit], capture_output=True, text=True, check=False)
    if "Failed to initialize manager" in done.stderr:
        pytest.skip(f"systemd-analyze works in no such container: {done.stderr.strip()}")
    assert (done.returncode, done.stderr) == (0, "")


def test_the_manifest_reads_token_and_settings_from_a_secret(cli: Cli) -> None:
    told = printed(cli, "kubernetes", "--namespace", "ops", "--image", "r.example.com/carrel:1")
    claim, job = yaml.safe_load_all(told)
    assert {one["metadata"]["namespace"] for one in (claim, job)} == {"ops"}
    assert (claim["kind"], job["kind"], job["apiVersion"]) == (
        "PersistentVolumeClaim",
        "CronJob",
        "batch/v1",
    )
    assert job["spec"]["concurrencyPolicy"] == "Forbid"
    pod = job["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert container["image"] == "r.example.com/carrel:1"
    env = {one["name"]: one for one in container["env"]}
    assert env["CODER_SESSION_TOKEN"]["valueFrom"] == {
        "secretKeyRef": {"name": "carrel", "key": "token"}
    }
    assert env["CODER_URL"]["value"] == "https://coder.example.com"
    assert {one["name"] for one in container["volumeMounts"]} == {
        one["name"] for one in pod["volumes"]
    }
    assert pod["restartPolicy"] == "Never"
    assert pod["securityContext"]["runAsNonRoot"]
    assert container["securityContext"]["readOnlyRootFilesystem"]


@pytest.mark.parametrize("option", ["--namespace", "--image"])
def test_what_would_break_the_manifest_is_refused(option: str, cli: Cli) -> None:
    for value in ("", 'x"\ny: z', "-x"):
        said = cli("schedule", "kubernetes", f"{option}={value}", "--json", expect=2)
        assert said.error["code"] == "usage"
