"""A file is written atomically, and replaces another one only on request."""

import errno
import os

import pytest

from penstock.output_file import atomic_output, require_writable


def write(target, *, overwrite, meanwhile=lambda: None):
    with atomic_output(target, overwrite=overwrite) as file:
        file.write(b"ours")
        meanwhile()


@pytest.mark.parametrize("overwrite", [False, True])
def test_an_output_appears_once_it_is_complete_with_the_mode_of_the_umask(tmp_path, overwrite):
    target = tmp_path / "out.mp4"
    before = os.umask(0o027)
    try:
        write(
            target,
            overwrite=overwrite,
            meanwhile=lambda: (_ for _ in ()).throw(AssertionError) if target.exists() else None,
        )
    finally:
        os.umask(before)
    assert (target.read_bytes(), target.stat().st_mode & 0o777) == (b"ours", 0o640)
    assert [place.name for place in tmp_path.iterdir()] == ["out.mp4"]


@pytest.fixture(params=["links", "no links"])
def disk(request, monkeypatch):
    """A file system with hard links, and one without."""

    def refuse(*_, **__):
        raise OSError(errno.EPERM, "Operation not permitted")

    if request.param == "no links":
        monkeypatch.setattr(os, "link", refuse)


@pytest.mark.usefixtures("disk")
def test_a_file_created_meanwhile_is_not_replaced(tmp_path):
    target = tmp_path / "out.mp4"
    with pytest.raises(FileExistsError):
        write(target, overwrite=False, meanwhile=lambda: target.write_bytes(b"theirs"))
    assert target.read_bytes() == b"theirs"
    assert [place.name for place in tmp_path.iterdir()] == ["out.mp4"]


@pytest.mark.usefixtures("disk")
def test_an_output_is_written_where_there_was_none(tmp_path):
    write(tmp_path / "out.mp4", overwrite=False)
    assert (tmp_path / "out.mp4").read_bytes() == b"ours"


def test_a_failed_write_keeps_the_old_file(tmp_path):
    target = tmp_path / "out.mp4"
    target.write_bytes(b"before")
    with pytest.raises(ZeroDivisionError):
        write(target, overwrite=True, meanwhile=lambda: 1 / 0)
    assert target.read_bytes() == b"before"
    assert [place.name for place in tmp_path.iterdir()] == ["out.mp4"]


def test_a_symbolic_link_is_kept_and_its_target_replaced(tmp_path):
    (tmp_path / "far").mkdir()
    (tmp_path / "far" / "real.mp4").write_bytes(b"before")
    link = tmp_path / "out.mp4"
    link.symlink_to("far/real.mp4")
    write(link, overwrite=True)
    assert (link.is_symlink(), (tmp_path / "far" / "real.mp4").read_bytes()) == (True, b"ours")


def test_a_name_may_be_as_long_as_the_file_system_allows(tmp_path):
    write(tmp_path / ("é" * 125 + ".mp4"), overwrite=False)
    with pytest.raises(OSError, match="too long"):
        require_writable(tmp_path / ("é" * 130 + ".mp4"))
