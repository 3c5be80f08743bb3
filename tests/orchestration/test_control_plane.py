"""The parts of the control plane run for ever; one of them removes old scratch folders."""

import asyncio
from contextlib import suppress
from functools import partial
from pathlib import Path

from penstock.host.scratch import scratch_folder
from penstock.orchestration import control_plane


def test_folders_that_no_process_holds_are_removed_and_those_in_use_stay(tmp_path: Path):
    dead = tmp_path / "plan-dead"
    dead.mkdir()
    (dead / "input").write_bytes(b"half an upload")

    async def once() -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(30):
                work = asyncio.create_task(control_plane.sweep_scratch_hourly(tmp_path, creation_seconds=0))
                while dead.exists():
                    await asyncio.sleep(0.05)
                work.cancel()

    with scratch_folder(tmp_path, "plan") as held:
        asyncio.run(once())
        assert (dead.exists(), held.exists()) == (False, True)
    assert list(tmp_path.iterdir()) == []


def test_the_log_of_a_failed_part_names_it_and_shows_none_of_its_arguments(caplog, monkeypatch):
    monkeypatch.setattr(control_plane, "PAUSE_SECONDS", 3600)

    async def failing_part(_argument: str) -> None:
        raise ValueError

    async def until_logged() -> None:
        work = asyncio.create_task(control_plane.keep_running(partial(failing_part, "psk_secret")))
        async with asyncio.timeout(30):
            while not caplog.records:
                await asyncio.sleep(0)
        work.cancel()

    asyncio.run(until_logged())
    assert caplog.messages == ["failing_part failed and is restarted"]
