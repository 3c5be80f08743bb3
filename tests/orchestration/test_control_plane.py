"""A host that only serves the API removes old scratch folders too."""

import asyncio
from contextlib import suppress
from pathlib import Path

from penstock.host.scratch import scratch_folder
from penstock.orchestration.control_plane import sweep_scratch_hourly


def test_folders_that_no_process_holds_are_removed_and_those_in_use_stay(tmp_path: Path):
    dead = tmp_path / "plan-dead"
    dead.mkdir()
    (dead / "input").write_bytes(b"half an upload")

    async def once() -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(30):
                work = asyncio.create_task(sweep_scratch_hourly(tmp_path, creation_seconds=0))
                while dead.exists():
                    await asyncio.sleep(0.05)
                work.cancel()

    with scratch_folder(tmp_path, "plan") as held:
        asyncio.run(once())
        assert (dead.exists(), held.exists()) == (False, True)
    assert list(tmp_path.iterdir()) == []
