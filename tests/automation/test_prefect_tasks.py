"""How the tasks for flows of other projects end, and when Prefect tries them again."""

import asyncio

import pytest
from prefect.client.schemas.objects import TaskRun
from prefect.states import Cancelled, Completed, Failed, Running, exception_to_failed_state

from penstock import errors
from penstock.prefect import batch_tasks, deployment_runs
from penstock.prefect.media_tasks import convert_media
from penstock.prefect.policy import is_transient


def is_retried(error):
    state = asyncio.run(exception_to_failed_state(error))
    return is_transient(convert_media, TaskRun(task_key="convert-media", dynamic_key="0"), state)


@pytest.mark.parametrize("error", [errors.ServiceUnreachable("away"), errors.StorageUnavailable("away"), OSError("io")])
def test_what_can_heal_is_tried_again(error):
    assert is_retried(error)


@pytest.mark.parametrize(
    "error",
    [
        errors.UpscaleNotAllowed("larger"),
        errors.WaitTimeout("the Task goes on, and a retry would upload its input again"),
        FileNotFoundError("film.mov"),
        FileExistsError("film.mp4"),
    ],
)
def test_what_would_end_alike_or_goes_on_is_not(error):
    assert not is_retried(error)


@pytest.mark.parametrize(
    ("state", "kind", "code"),
    [
        (Running(), errors.WaitTimeout, "wait_timeout"),
        (Completed(message="skipped: the last run of this batch has not ended"), errors.WaitTimeout, "wait_timeout"),
        (Cancelled(message="1 converted, 2 cancelled"), errors.Cancelled, "cancelled"),
        (Failed(message="storage_unavailable: The storage is away."), errors.StorageUnavailable, "storage_unavailable"),
        (Failed(message="Flow run encountered an exception: KeyError: 'x'"), errors.MediaError, "internal"),
    ],
)
def test_a_batch_without_a_result_has_the_error_of_its_run(state, kind, code):
    with pytest.raises(kind) as error:
        deployment_runs._returned(state, "batch", 3)
    assert (error.value.code, error.value.transient) == (code, kind.transient)


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("https://a.b/d/clip.mov?sig=1", "clip.mov"),
        ("https://a.b/s/dGhp2lzYXNlY3JldA8x", "an address"),
        ("http://[a/clip.mov", "an address"),
        ("films/clip.mov", "clip.mov"),
    ],
)
def test_the_table_of_a_batch_shows_names_and_no_secret_of_an_address(source, shown):
    assert batch_tasks._shown(source) == shown
