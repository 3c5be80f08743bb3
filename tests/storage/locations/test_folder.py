"""What local folders do beyond the contract: links, strange files, modes, times, interrupted runs."""

import errno
import os
import resource
import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from penstock.conversion.line_files import require_within_roots
from penstock.domain import errors
from penstock.domain.batch.naming import PARTS_FOLDER
from penstock.domain.batch.roots import parse_roots
from penstock.domain.batch.spec import BatchSpec
from penstock.storage.locations import OutputExists, Publication, open_location, resolved_roots
from penstock.storage.locations.folder_listing import BROKEN_LINK, LINK_OUT, LINK_TO_FOLDER, SPECIAL_FILE
from penstock.storage.locations.location_errors import translate_destination_errors, translate_input_errors


@pytest.fixture
def root(folder, tmp_path):
    return tmp_path / "a folder"


def listed(location, *args):
    return {entry.name: entry.problem for entry in location.list_files(*args)}


NAMES = [
    b"two words",
    b"'\"`$",
    b"new\nline",
    b"-dash",
    b"\xff\xfe",
    b"a" * 255,
    "ä".encode() * 127,
    b"\x01\x7f",
    b"*?[x]",
]


@pytest.mark.parametrize("name", NAMES)
def test_every_name_of_a_file_system_is_listed_fetched_and_published(folder, root, scratch, made, name):
    Path(os.fsdecode(os.fsencode(root) + b"/" + name)).write_bytes(b"1")
    [entry] = folder.list_files()
    folder.fetch(entry.name, scratch / "back", entry.version)
    folder.publish(made(b"22"), Publication(entry.name, "bat_1", replace=True))

    assert os.fsencode(entry.name) == name
    assert folder.name_of(folder.address_of(entry.name)) == entry.name
    assert [entry.size for entry in folder.list_files()] == [2]


def test_a_link_to_a_file_inside_is_followed(folder, root, scratch):
    (root / "real").write_bytes(b"real")
    (root / "link").symlink_to(root / "real")
    folder.fetch("link", scratch / "back", folder.stat("link").version)

    assert listed(folder) == {"link": None, "real": None}
    assert (folder.stat("link").size, (scratch / "back").read_bytes()) == (4, b"real")
    assert not (scratch / "back").is_symlink()


def test_other_links_and_special_files_are_listed_with_their_problem(folder, root, tmp_path, monkeypatch):
    (root / "sub").mkdir()
    (root / "out").symlink_to("/etc/passwd")
    (root / "out folder").symlink_to("/etc")
    (root / "broken").symlink_to("nothing")
    (root / "circle").symlink_to("circle")
    (root / "to sub").symlink_to("sub")
    os.mkfifo(root / "pipe")
    monkeypatch.chdir(root)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket")

    assert listed(folder) == {
        "out": LINK_OUT, "out folder": LINK_OUT, "broken": BROKEN_LINK, "circle": BROKEN_LINK,
        "to sub": LINK_TO_FOLDER, "pipe": SPECIAL_FILE, "socket": SPECIAL_FILE,
    }  # fmt: skip
    assert listed(folder, "*.jpg") == {"to sub": LINK_TO_FOLDER}


def test_a_link_out_of_the_source_is_not_fetched_even_if_it_is_exchanged_after_the_listing(folder, root, scratch):
    (root / "folder").mkdir()
    (root / "folder" / "passwd").write_bytes(b"inside")
    [entry] = folder.list_files()
    (root / "folder").rename(root / "moved")
    (root / "folder").symlink_to("/etc")

    with pytest.raises(errors.UrlForbidden):
        folder.fetch(entry.name, scratch / "back", None)
    assert not (scratch / "back").exists()


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])
def test_what_is_no_regular_file_is_not_fetched(folder, root, scratch, make):
    make(root / "x")

    with pytest.raises(errors.InputUnreadable):
        folder.fetch("x", scratch / "back", None)


def test_a_source_may_itself_be_a_link(folder, root, tmp_path, scratch):
    (root / "a").write_bytes(b"1")
    (tmp_path / "link").symlink_to(root)
    linked = open_location(str(tmp_path / "link"), None)
    linked.fetch("a", scratch / "back", None)

    assert listed(linked) == {"a": None}
    assert linked.name_of(folder.address_of("a")) == "a"
    assert linked.real_address == folder.address


def test_allowed_roots_are_compared_after_links(tmp_path, root, folder):
    (tmp_path / "link").symlink_to(root)
    roots = resolved_roots(parse_roots(f"{tmp_path}/link,s3://bucket"))

    roots.require_within(folder.real_address)
    roots.require_within("s3://bucket/a")


def test_no_server_is_asked_before_its_address_is_allowed():
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        address = f"ftp://127.0.0.1:{server.getsockname()[1]}/folder"

        with pytest.raises(errors.UrlForbidden):
            require_within_roots(BatchSpec(source=address), "/data,s3://bucket")
        with pytest.raises(TimeoutError):
            server.accept()


@pytest.mark.parametrize("number", [errno.EPERM, errno.ENOTSUP, errno.ENOSYS])
def test_a_file_system_without_hard_links_is_written_and_nothing_is_replaced(folder, root, made, monkeypatch, number):
    def link(*_args, **_more):
        raise OSError(number, "no hard links")

    monkeypatch.setattr(os, "link", link)
    folder.publish(made(b"new"), Publication("a", "bat_1"))

    assert (root / "a").read_bytes() == b"new"
    with pytest.raises(OutputExists):
        folder.publish(made(b"other"), Publication("a", "bat_1"))


def test_a_very_deep_tree_is_listed(folder, root):
    descriptor = os.open(root, os.O_RDONLY)
    for _ in range(500):
        os.mkdir("d", dir_fd=descriptor)
        deeper = os.open("d", os.O_RDONLY, dir_fd=descriptor)
        os.close(descriptor)
        descriptor = deeper
    os.close(os.open("file", os.O_CREAT, dir_fd=descriptor))
    os.close(descriptor)

    assert list(listed(folder)) == ["d/" * 500 + "file"]


def test_a_source_that_is_missing_or_a_file_is_told(tmp_path):
    (tmp_path / "file").touch()
    for name in ("nothing", "file", "file/deeper"):
        with pytest.raises(errors.InputUnreachable, match="no such"):
            open_location(str(tmp_path / name), None).list_files()


def test_a_source_that_vanishes_is_no_short_one(folder, root):
    (root / "a").touch()
    found = folder.list_files()
    next(found)
    (root / "a").unlink()
    root.rmdir()

    with pytest.raises(errors.InputUnreachable):
        list(found)


def test_a_file_that_changes_after_it_was_fetched_is_told(folder, root, scratch):
    (root / "a").write_bytes(b"before")
    entry = folder.fetch("a", scratch / "back", None)
    with (root / "a").open("ab") as growing:
        growing.write(b" and after")

    assert not folder.unchanged("a", entry)


def test_an_output_is_a_file_of_its_own(folder, root, scratch):
    """A copy of an input that was fetched as a hard link must not become a second name of the input."""
    (root / "in").write_bytes(b"input")
    folder.fetch("in", scratch / "back", None)
    folder.publish(scratch / "back", Publication("out", "bat_1", modified=1.0))

    assert not (root / "in").samefile(root / "out")
    assert (root / "in").stat().st_mtime > 1.0
    assert (root / "out").read_bytes() == b"input"


@pytest.mark.parametrize("mask", [0o022, 0o027, 0o077])
def test_outputs_and_their_folders_have_the_mode_of_the_destination_whatever_the_umask(folder, root, made, mask):
    root.chmod(0o2751)
    before = os.umask(mask)
    try:
        folder.publish(made(), Publication("x/y/a", "bat_1"))
    finally:
        os.umask(before)

    assert (root / "x/y/a").stat().st_mode & 0o777 == 0o640
    assert {path.stat().st_mode & 0o7777 for path in (root / "x", root / "x/y")} == {0o2751}


def test_the_time_of_the_input_is_kept(folder, root, made):
    folder.publish(made(), Publication("a", "bat_1", modified=1234567890.5))

    assert (root / "a").stat().st_mtime == 1234567890.5


def test_a_destination_is_made_if_it_is_missing(tmp_path, made):
    open_location(str(tmp_path / "new/er"), None).publish(made(), Publication("x/a", "bat_1"))

    assert (tmp_path / "new/er/x/a").read_bytes() == b"content"


def test_a_destination_that_is_a_link_out_is_not_written(folder, root, tmp_path, made):
    (tmp_path / "other").mkdir()
    (root / "x").symlink_to(tmp_path / "other")

    for name in ("x/a", "x/new/a"):
        with pytest.raises(errors.UrlForbidden, match="symbolic link out of the destination"):
            folder.publish(made(), Publication(name, "bat_1"))
    assert list((tmp_path / "other").iterdir()) == []


def test_replacing_a_link_replaces_the_link_and_not_what_it_leads_to(folder, root, tmp_path, made):
    (tmp_path / "other").write_bytes(b"other")
    (root / "a").symlink_to(tmp_path / "other")
    folder.publish(made(), Publication("a", "bat_1", replace=True))

    assert ((tmp_path / "other").read_bytes(), (root / "a").read_bytes()) == (b"other", b"content")


def test_a_folder_of_the_outputs_name_is_never_replaced(folder, root, made):
    (root / "a").mkdir()
    for replace in (True, False):
        with pytest.raises(OutputExists):
            folder.publish(made(), Publication("a", "bat_1", replace=replace))


def test_a_file_of_the_name_of_a_folder_is_told(folder, root, made):
    (root / "a").touch()
    with pytest.raises(errors.FieldInvalid, match="A file has the name of the output's folder"):
        folder.publish(made(), Publication("a/b", "bat_1"))


def test_a_name_that_is_too_long_is_told(folder, made):
    with pytest.raises(errors.FieldInvalid, match="too long"):
        folder.publish(made(), Publication("a" * 256, "bat_1"))


def test_of_many_writers_of_one_name_one_wins(folder, root, made):
    paths = [made(str(number).encode()) for number in range(16)]

    def publish(path):
        try:
            return bool(folder.publish(path, Publication("deep/er/a", "bat_1")))
        except OutputExists:
            return False

    with ThreadPoolExecutor(16) as threads:
        assert sum(threads.map(publish, paths)) == 1


def test_what_a_killed_run_left_is_removed(folder, root, made):
    folder.publish(made(), Publication("a", "bat_1"))
    (root / PARTS_FOLDER).mkdir(exist_ok=True)
    for name in ("bat_1-aa", "bat_1-bb", "bat_2-cc"):
        (root / PARTS_FOLDER / name).touch()

    assert (folder.remove_parts("bat_1"), folder.remove_parts("bat_1")) == (2, 0)
    assert (folder.remove_parts("bat_2"), sorted(path.name for path in root.iterdir())) == (1, ["a"])


def test_a_failed_publication_leaves_no_part(folder, root, made):
    (root / "a").touch()
    with pytest.raises(OutputExists):
        folder.publish(made(), Publication("a", "bat_1"))

    assert list((root / PARTS_FOLDER).iterdir()) == []


@contextmanager
def largest_file(size: int):
    """Writing more than this fails as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_destination_is_told_and_nothing_is_left(folder, root, made, scratch):
    path = made(bytes(2**20))
    os.link(path, scratch / "second name")  # so that it is copied
    with largest_file(2**16), pytest.raises(errors.DiskFull):
        folder.publish(path, Publication("a", "bat_1"))

    assert (folder.stat("a"), list((root / PARTS_FOLDER).iterdir())) == (None, [])


def test_missing_rights_are_told_without_a_path():
    with pytest.raises(errors.InputUnreachable) as read, translate_input_errors():
        raise PermissionError(13, "Permission denied", "/secret")
    with pytest.raises(errors.UrlForbidden) as write, translate_destination_errors():
        raise PermissionError(13, "Permission denied", "/secret")

    assert "/secret" not in read.value.message + write.value.message


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser has every right")
def test_a_folder_without_rights_is_told_and_the_rest_is_listed(folder, root, made):
    (root / "locked").mkdir()
    (root / "a").touch()
    (root / "locked").chmod(0)
    try:
        assert listed(folder) == {"a": None, "locked": "no right to read it"}
        with pytest.raises(errors.UrlForbidden, match="no right to write"):
            folder.publish(made(), Publication("locked/x", "bat_1"))
    finally:
        (root / "locked").chmod(0o700)
