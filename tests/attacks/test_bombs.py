"""A small file that asks for much is refused or converted, soon, and with little memory outside of its child."""

import resource

import pytest

from tests.attacks.bombs import BOMBS, many_samples_mp4
from tests.attacks.trials import tried

pytestmark = pytest.mark.media

SECONDS, GROWTH = 60, 100 * 2**20
# What is too large is told so; the others are damaged too, or harmless.
LIMITED = {
    "large_png", "long_apng", "long_gif", "largest_gif", "long_webp", "large_jpeg", "scans_jpeg", "large_bmp",
    "endless_tiff", "large_ico", "gap_mkv",
}  # fmt: skip
OUTPUTS = {"video": ("mp4", "gif"), "audio": ("mp3",), "image": ("png", "gif")}


def largest_kb():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


@pytest.mark.parametrize("made", [*BOMBS, many_samples_mp4], ids=lambda made: made.__name__)
def test_a_bomb_ends_soon_and_leaves_no_memory_here(made, media, tools, tmp_path):
    content = made(media("clip.mp4").read_bytes()) if made is many_samples_mp4 else made()
    assert len(content) < 8 * 2**20
    before = largest_kb()
    told = tried(content, OUTPUTS, tmp_path / "bomb", tools)
    assert "internal" not in told.codes
    assert (told.codes == ("input_limits_exceeded",)) == (made.__name__ in LIMITED)
    assert told.seconds < SECONDS
    assert told.peak_bytes < tools.limits.child_memory_bytes
    assert (largest_kb() - before) * 1024 < GROWTH
