"""Who waits for whom: the queue of each kind of run, and the places of a worker that serve it.

A picture takes a blink and a film an hour; a picture that the trigger starts never waits for a film's place. What
people, schedules and other flows start has one queue, whatever it asks for: a deployment's queue is chosen beforehand.
"""

from dataclasses import dataclass

from penstock.domain.formats import Kind

IMAGES = "images"
QUEUES: dict[Kind, str] = {"video": "default", "audio": "default", "image": IMAGES}


@dataclass(frozen=True, slots=True)
class QueuePlaces:
    """So many places of one worker, for one queue; or, without one, for every queue that has no lane of its own."""

    slots: int
    queue: str | None = None

    def serves(self, queue: str) -> bool:
        return queue == self.queue if self.queue else queue != IMAGES


def queue_places(slots: int, image_slots: int) -> tuple[QueuePlaces, ...]:
    """The places of one worker, by lane."""
    return QueuePlaces(slots), QueuePlaces(image_slots, IMAGES)
