"""A picture whose structure lies is refused, or converted within all limits."""

from functools import partial

import pytest

from tests.attacks.pictures.frames import FRAMES
from tests.attacks.pictures.items import BRANDS, ITEMS, SIZES, plain
from tests.attacks.trials import REFUSALS, tried

pytestmark = pytest.mark.media

SECONDS = 30
OUTPUTS = {"image": ("webp",)}
MADE = {made.__name__: made for made in FRAMES}
MADE |= {f"{brand}: {made.__name__}": partial(made, brand) for brand in BRANDS for made in ITEMS}
MADE |= {f"{brand}: {name}": partial(made, brand=brand) for brand in BRANDS for name, made in SIZES.items()}
LIMITED = {
    "apng_of_days", "webp_with_frames_said_to_be_large", "webp_of_days", "gif_with_a_frame_outside",
    "gif_with_the_largest_frame", "avif_of_years", "avif: grid_beyond_the_limits", "heic: largest_layer",
}  # fmt: skip


@pytest.mark.parametrize("name", MADE)
def test_a_picture_that_lies_is_refused_or_converted_within_the_limits(name, tools, tmp_path):
    told = tried(MADE[name](), OUTPUTS, tmp_path / "made", tools)
    assert told.codes[0] is None or told.codes[0] in REFUSALS, told
    assert (told.codes[0] == "input_limits_exceeded") == (name in LIMITED)
    assert told.seconds < SECONDS
    assert told.peak_bytes < tools.limits.child_memory_bytes


@pytest.mark.parametrize("brand", BRANDS)
def test_one_that_does_not_lie_is_converted(brand, tools, tmp_path):
    assert tried(plain(brand).content, OUTPUTS, tmp_path / "made", tools).codes == (None,)
