import errno
import os
from pathlib import Path

import pytest

from carrel.system import mounts
from carrel.system.mounts import Mount

SAMPLE = rb"""22 27 0:21 / /proc rw,relatime - proc proc rw
44 27 0:39 / /a\040b/t\134,\012x rw,relatime shared:7 master:3 - overlay overlay rw,lowerdir=/l\134:1:/m,upperdir=/w/a\134\054b/u,workdir=/w/w,redirect_dir=on
50 44 0:40 / /c rw - fuse.fuse-overlayfs fuse-overlayfs rw,user_id=0
broken line
"""  # noqa: E501 - as the kernel writes it


def test_mountinfo_is_read_with_all_its_escapes() -> None:
    proc, overlay, fuse = mounts.parse_mountinfo(SAMPLE)
    assert (proc.point, proc.kind, proc.upper, proc.mount_id) == (b"/proc", b"proc", b"", 22)
    assert overlay.point == b"/a b/t\\,\nx"
    assert overlay.upper == b"/w/a,b/u"
    assert overlay.options[b"redirect_dir"] == b"on"
    assert overlay.peers == {b"7", b"3"}
    assert overlay.device == b"0:39"
    assert (fuse.kind, fuse.point) == (b"fuse.fuse-overlayfs", b"/c")


@pytest.mark.parametrize("path", ["/plain", "/a,b", "/a:b", "/a\\b", "/a\\,b", "/é\udcff\n"])
def test_no_path_can_be_taken_for_an_option(path: str) -> None:
    lower, upper = mounts.option_path(path, lower=True), mounts.option_path(path)
    assert mounts.plain_path(lower) == mounts.plain_path(upper) == os.fsencode(path)
    for position, byte in enumerate(upper):
        assert byte != ord(",") or upper[position - 1] == ord("\\")
    options = mounts.overlay_options([path, "/below"], path, "/work", b"index=on")
    assert options.endswith(b",workdir=/work,index=on")


def test_more_than_the_kernel_takes_is_refused_before_it_is_cut_off() -> None:
    with pytest.raises(OSError, match="too long") as caught:
        mounts.overlay_options([f"/{number:0100}" for number in range(40)], "/u", "/w", b"")
    assert caught.value.errno == errno.ENAMETOOLONG


def test_what_is_mounted_where(tmp_path: Path) -> None:
    found = mounts.mount_at("/proc")
    assert found is not None
    assert found.kind == b"proc"
    assert mounts.mount_at(str(tmp_path)) is None
    assert mounts.mount_at(str(tmp_path / "nothing")) is None
    (tmp_path / "link").symlink_to("/proc")
    assert mounts.mount_at(str(tmp_path / "link")) is None


def test_both_ways_to_ask_agree() -> None:
    for one in {mount.point: mount for mount in mounts.mounts()}.values():
        path = os.fsdecode(one.point)
        told = mounts._ask_mountinfo(path)  # noqa: SLF001 - the way of older kernels
        asked = mounts.mount_at(path)
        if told is None or asked is None or told.point != one.point:
            continue  # hidden below another mount, or gone
        assert (told.upper, told.point) == (asked.upper, asked.point)
        assert told.kind.partition(b".")[0] == asked.kind.partition(b".")[0]


def test_other_processes_namespaces_can_be_read() -> None:
    assert [one for one in mounts.mounts(os.getpid()) if one.point == b"/proc"]
    with pytest.raises(OSError, match="No such file"):
        list(mounts.mounts(2**22 + 1))
    assert mounts.device_at("/proc") == os.stat("/proc").st_dev


def test_what_is_not_mounted_cannot_be_detached(tmp_path: Path) -> None:
    with pytest.raises(OSError, match=r"Invalid argument|not permitted"):
        mounts.detach(str(tmp_path))
    assert Mount(b"/", b"ext4").upper == b""
