"""A home on a network disk is found out: locks and the database need a local one."""

import os

import pytest

from penstock.host import file_systems
from penstock.host.file_systems import file_system, network_file_system

# Lines as the kernel writes them (proc(5)): optional fields, a space in a path, and FUSE.
MOUNTS = """\
22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
36 22 0:32 / /mnt/films rw,relatime shared:21 master:2 - nfs4 nas:/films rw,vers=4.2
37 22 0:33 / /mnt/my\\040share rw,relatime - fuse.sshfs me@there:/ rw
"""


@pytest.mark.parametrize(
    ("device", "kind"), [("254:0", "ext4"), ("0:32", "nfs4"), ("0:33", "fuse.sshfs"), ("9:9", None)]
)
def test_the_file_system_of_a_device_is_read_from_the_mounts(device, kind):
    assert file_system(MOUNTS, device) == kind


def test_a_folder_on_a_disk_of_this_machine_is_on_no_network(tmp_path):
    assert network_file_system(tmp_path / "not" / "yet") is None


@pytest.mark.parametrize("kind", ["nfs4", "fuse.sshfs"])
def test_a_folder_on_a_network_disk_is_told_by_its_kind(tmp_path, monkeypatch, kind):
    device = tmp_path.stat().st_dev
    mounts = tmp_path / "mountinfo"
    mounts.write_text(f"36 22 {os.major(device)}:{os.minor(device)} / / rw - {kind} nas: rw\n")
    monkeypatch.setattr(file_systems, "MOUNTS", mounts)
    assert network_file_system(tmp_path) == kind
