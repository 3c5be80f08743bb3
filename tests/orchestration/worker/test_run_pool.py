"""Images never wait for a video's place, and every queue is served."""

import pytest

from penstock.orchestration.flow_run_options import QUEUES
from penstock.orchestration.worker.run_pool import queue_places


@pytest.mark.parametrize("queue", ["default", "requests", "images", "a queue that a person added"])
def test_every_queue_is_served_by_one_set_of_places(queue):
    assert [places.serves(queue) for places in queue_places(4, 3)].count(True) == 1


def test_images_have_places_of_their_own():
    serving = {kind: next(each for each in queue_places(4, 3) if each.serves(queue)) for kind, queue in QUEUES.items()}
    assert serving["image"].count == 3
    assert serving["video"] == serving["audio"] != serving["image"]
