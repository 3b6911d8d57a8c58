"""The contract again as an ordinary user, when the tests are run by root."""

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

NOBODY = 65534
PACKAGES = ("pytest", "_pytest", "pluggy", "iniconfig", "packaging", "pygments")
SETTINGS = "[pytest]\naddopts = --import-mode=importlib -p no:cacheprovider\nmarkers = real\n"
# /dev/fuse is often root's alone; the child gets one of its own, in a namespace of its own.
START = (
    'if test -e "$0"; then mount --bind "$0" /dev/fuse; fi; '
    f'exec setpriv --reuid={NOBODY} --regid={NOBODY} --clear-groups "$@"'
)


def interpreter() -> str:
    """Return a Python that everybody may run; root's own often is not."""
    for python in (sys.executable, shutil.which("python3", path="/usr/local/bin:/usr/bin:/bin")):
        check = "import sys; sys.exit(sys.version_info < (3, 11))"
        try:
            done = subprocess.run([python or "", "-c", check], user=NOBODY, check=False, cwd="/")
        except OSError:
            continue
        if python and done.returncode == 0:
            return python
    pytest.skip("needs a Python 3.11 that everybody may run, such as /usr/bin/python3")


@pytest.fixture
def room(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with all that the tests need, in which everybody may read and write."""
    if os.geteuid() != 0:
        pytest.skip("needs root, to become an ordinary user; tests/contract is run by one already")
    room = tmp_path_factory.mktemp("everybody")
    site, root = Path(sysconfig.get_path("purelib")), Path(__file__).parents[2]
    for package in PACKAGES:
        shutil.copytree(site / package, room / package)
    shutil.copy(site / "py.py", room)
    shutil.copytree(root / "src/carrel", room / "carrel")
    for name in ("conftest.py", "test_driver.py", "test_driver_survivors.py"):
        shutil.copy(root / "tests/contract" / name, room / name)
    (room / "tests").mkdir()
    shutil.copy(root / "tests/forks.py", room / "tests")
    (room / "pytest.ini").write_text(SETTINGS)
    (room / "tmp").mkdir(mode=0o777)
    (room / "tmp").chmod(0o777)
    if Path("/dev/fuse").exists():
        node = os.stat("/dev/fuse").st_rdev
        os.mknod(room / "fuse", 0o020666, node)
        (room / "fuse").chmod(0o666)
    for folder in (room, *room.parents):
        if folder.stat().st_mode & 0o005 != 0o005:
            folder.chmod(folder.stat().st_mode | 0o005)
        if folder.parent == Path(folder.root):
            break
    return room


@pytest.mark.real
@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("driver", "least"),
    [("user_overlay", 30), ("fuse_overlay", 30)],
)
def test_the_contract_holds_without_any_right(room: Path, driver: str, least: int) -> None:
    if driver == "fuse_overlay" and shutil.which("fuse-overlayfs") is None:
        pytest.skip("fuse-overlayfs is not installed")
    command = ["unshare", "--mount", "--propagation=private", "sh", "-c", START, str(room / "fuse")]
    # The many single changes are left out: the random sequences of changes have them all.
    chosen = f"{driver} and not tells_what and not followed"
    tests = [interpreter(), "-m", "pytest", "-q", "-k", chosen, f"--basetemp={room}/tmp/base"]
    done = subprocess.run(
        [*command, *tests],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(room), "LC_ALL": "C.UTF-8"},
        cwd=room, capture_output=True, text=True, check=False, timeout=250,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    last = done.stdout.strip().splitlines()[-1]
    assert "skipped" not in last, done.stdout[-3000:]
    assert int(last.split()[0]) >= least, last
