"""Which file system a folder is on."""

import os
from pathlib import Path

MOUNTS = Path("/proc/self/mountinfo")
# Those that systemd takes for network file systems (https://systemd.io, `fstype_is_network`), without the `fuse.` that
# some have before their name.
NETWORK_FILE_SYSTEMS = frozenset(
    (
        *("nfs", "nfs4", "cifs", "smb3", "smbfs", "sshfs", "rclone", "s3fs", "davfs", "9p", "afs", "ncpfs"),
        *("ceph", "glusterfs", "lustre", "gfs", "gfs2", "ocfs2", "pvfs2"),
    )
)


def network_file_system(path: Path) -> str | None:
    """The type of the network file system that the path, or the nearest folder that exists, is on; None if it is on a
    local disk, or where that cannot be told."""
    nearest = next(place for place in (path, *path.parents) if place.exists())
    device = nearest.stat().st_dev
    try:
        kind = file_system(MOUNTS.read_text(), f"{os.major(device)}:{os.minor(device)}")
    except OSError:
        return None
    return kind if kind and kind.removeprefix("fuse.") in NETWORK_FILE_SYSTEMS else None


def file_system(mounts: str, device: str) -> str | None:
    """The type of the file system of a device (`major:minor`) in the text of mountinfo (proc(5))."""
    for line in mounts.splitlines():
        before, _, after = line.partition(" - ")
        if device in before.split()[2:3]:
            return after.split()[0]
    return None
