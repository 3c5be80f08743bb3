"""A real receiver, and records whose deliveries nobody sends but the test."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from penstock.domain.ids import ProjectId
from penstock.domain.pagination import ListQuery
from penstock.domain.webhooks import Delivery
from penstock.records import Records
from penstock.services import Services
from penstock.webhooks.sending import Sender
from tests.api.app import Project
from tests.api.conftest import client, other, parts, project, runs, settings, shared  # noqa: F401 - fixtures
from tests.records.rows import complete_task, video_request
from tests.webhooks.receiver import Receiver, receiving

BASE = "https://media.example.com"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as opened:
        yield opened


@pytest.fixture
def secret(parts: Services, project: Project) -> str:  # noqa: F811
    return parts.records.keys.project_secret(project.id)


@pytest.fixture
def sender(parts: Services) -> Sender:  # noqa: F811
    """May send to loopback."""
    policy = replace(parts.fetch_policy, allow="127.0.0.0/8")
    return Sender(replace(parts, fetch_policy=policy), BASE, lambda run_id: f"http://prefect/{run_id}", lambda: False)


@pytest.fixture
def ended(parts: Services, project: Project) -> Callable[[str], str]:  # noqa: F811
    """Completes a task with this `webhook_url`; answers the task's id."""
    count = iter(range(100))

    def end(url: str) -> str:
        request = video_request(f"https://example.com/{next(count)}.mp4", webhook_url=url)
        return complete_task(parts.records, parts.records.tasks.submit(project.id, request)).id

    return end


def claimed(records: Records, project_id: ProjectId) -> list[Delivery]:
    """What is due of a project; of others nothing is sent."""
    return [each for each in records.deliveries.claim_due(1000, 1000) if each.project_id == project_id]


def logged(records: Records, subject: str) -> list[Delivery]:
    return list(records.deliveries.page(subject, ListQuery(limit=100)).items)
