"""A picture never waits for a film's place, and no queue is left without one."""

import pytest

from penstock.orchestration.queues import QUEUES, queue_places


@pytest.mark.parametrize("queue", ["default", "requests", "images", "a queue that a person added"])
def test_every_queue_has_exactly_one_lane(queue):
    assert [lane.serves(queue) for lane in queue_places(4, 3)].count(True) == 1


def test_pictures_have_places_of_their_own():
    serving = {kind: next(lane for lane in queue_places(4, 3) if lane.serves(queue)) for kind, queue in QUEUES.items()}
    assert serving["image"].slots == 3
    assert serving["video"] == serving["audio"] != serving["image"]
