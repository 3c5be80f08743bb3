"""A worker tells once that the disk has no room, and once that it has some again."""

from types import SimpleNamespace

from penstock.orchestration.worker.worker_main import NO_ROOM, ROOM_AGAIN, Room


def test_it_is_told_when_it_changes_and_not_at_every_poll(tmp_path, caplog):
    room = Room(SimpleNamespace(scratch=tmp_path, min_free_bytes=2**60))
    assert [room.is_free() for _ in range(3)] == [False] * 3
    room.settings.min_free_bytes = 0
    assert [room.is_free() for _ in range(2)] == [True] * 2
    assert caplog.messages == [NO_ROOM, ROOM_AGAIN]
