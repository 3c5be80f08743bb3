"""A damaged file becomes a verified output, or ends with an error that says so; nothing of it is left."""

import os
import random
from collections import Counter

import pytest

from tests.attacks.mutations import NAMES, mutated, original
from tests.attacks.trials import DAMAGE, tried
from tests.service import descendants, wait_for

LONG = os.environ.get("MUTATIONS")  # of each file, others each time; without it a few, always the same
COUNT, FIRST = (int(LONG), random.randrange(2**32)) if LONG else (4, 0)
SECONDS = 60
OUTPUTS = {
    "video": ("mp4", "gif", "jpeg", "webm"),
    "audio": ("mp3", "flac", "ogg", "wav"),
    "image": ("png", "webp", "gif", "jpeg"),
}

# What the long form has found.
FOUND = {
    "apng.png": 3350979412,  # a chunk of 4 GB, which Pillow allocated: resource_limit
}

pytestmark = [pytest.mark.media, pytest.mark.timeout(180 + 5 * COUNT)]


@pytest.fixture
def trial(tools, tmp_path):
    """Damages the file by this seed, and converts it; the seed also chooses the output."""

    def by_seed(content, seed):
        outputs = {kind: (names[seed % len(names)],) for kind, names in OUTPUTS.items()}
        return tried(mutated(content, seed), outputs, tmp_path / f"{seed}", tools)

    return by_seed


def is_right(trial, limits):
    known = trial.codes[0] is None or trial.codes[0] in DAMAGE
    return known and trial.seconds < SECONDS and trial.peak_bytes < limits.child_memory_bytes


@pytest.mark.parametrize("name", NAMES)
def test_a_damaged_file_becomes_an_output_or_ends_soon_with_an_error_that_says_so(name, trial, pool, tools):
    content = original(name)
    told = {seed: trial(content, seed) for seed in range(FIRST, FIRST + COUNT)}
    print(name, Counter(each.codes[0] for each in told.values()), max(each.seconds for each in told.values()))  # -s
    assert {seed: each for seed, each in told.items() if not is_right(each, tools.limits)} == {}
    wait_for(lambda: descendants(pool.pid) == [])


@pytest.mark.parametrize("name", FOUND)
def test_what_was_found_once_does_not_come_back(name, trial, tools):
    assert is_right(trial(original(name), FOUND[name]), tools.limits)
