"""Options that every test shares."""

import ctypes
import gc
import os
import signal
import sys
from collections.abc import Generator

import pytest
from hypothesis import HealthCheck, settings

# Hundreds of processes start in a run, and read what the first of them compiled.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# Who starts the tests in the background may have them ignore these; the programs that they start
# would ignore them, too.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)

THOROUGH = os.environ.get("CARREL_REAL") == "required"

# A slow machine is no failure. Where nothing may be skipped, more is tried as well.
settings.register_profile(
    "carrel",
    deadline=None,
    max_examples=120 if THOROUGH else 20,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("carrel")

# What is kept outside the repository lies beside it. Who has only a clone says so; where nobody
# says it, a skip for want of it is refused like any other.
REQUIRABLE = ("real",) if os.environ.get("CARREL_SHARED") == "absent" else ("real", "shared")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--real-required",
        action="store_true",
        default=THOROUGH,
        help="a skipped test marked `real` or `shared` fails (also: CARREL_REAL=required)",
    )
    parser.addoption(
        "--live",
        action="store_true",
        help="try a fleet on the deployment that CODER_URL names, too; it is only looked at, "
        "unless CARREL_LIVE_WRITE=yes",
    )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    required = any(item.get_closest_marker(name) for name in REQUIRABLE)
    if required and item.config.getoption("real_required"):
        _refuse_skip(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Catch a file that skips itself as a whole: its marks are never read."""
    report = yield
    if collector.config.getoption("real_required"):
        _refuse_skip(report)
    return report


def _refuse_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    if report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"{reason} - but CARREL_REAL=required forbids to skip this test"


@pytest.hookimpl(trylast=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    """Set apart what lives to the end: thousands of tests, and all that they import.

    Looking through it for cycles takes a quarter of a second, again and again.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)


_NEW_MOUNTS, _PRIVATE, _RECURSIVE = 0x00020000, 1 << 18, 1 << 14


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Give each test process of root a mount namespace of its own.

    Tests that mount and tests that make namespaces run side by side: a namespace that one of
    them makes would keep a mount of the other. What a killed test leaves goes with it, too.
    """
    if os.geteuid() != 0 or not hasattr(session.config, "workerinput"):
        return
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_NEW_MOUNTS) == 0:
        libc.mount(b"none", b"/", None, _PRIVATE | _RECURSIVE, None)
