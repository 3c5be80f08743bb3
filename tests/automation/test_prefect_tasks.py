"""How the tasks for flows of other projects end, and when Prefect tries them again."""

import asyncio

import httpx
import pytest
from prefect.client.schemas.objects import TaskRun
from prefect.states import Cancelled, Completed, Crashed, Failed, Running, exception_to_failed_state

from penstock import errors
from penstock.prefect import batch_tasks, deployment_runs
from penstock.prefect.media_tasks import convert_media
from penstock.prefect.policy import is_transient


def answered(status, detail):
    request = httpx.Request("POST", "http://prefect/api/deployments/1/create_flow_run")
    answer = httpx.Response(status, json={"detail": detail}, request=request)
    return httpx.HTTPStatusError(detail, request=request, response=answer)


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
        (Crashed(message="Its worker was lost."), errors.WorkerLost, "worker_lost"),
        (Failed(message="Flow run encountered an exception: KeyError: 'x'"), errors.MediaError, "internal"),
    ],
)
def test_a_batch_without_a_result_has_the_error_of_its_run(state, kind, code):
    with pytest.raises(kind) as error:
        deployment_runs._returned(state, "batch", 3)
    assert (error.value.code, error.value.transient) == (code, kind.transient)


@pytest.mark.parametrize(
    ("options", "field", "told"),
    [
        ({"destination": "s3://out/a.webp"}, "destination", r"a file of the flow's machine: .* \.save\(\)"),
        ({"overwrite": True}, "overwrite", "overwrite needs a destination"),
    ],
)
def test_what_a_local_file_cannot_have_is_refused_before_it_is_sent(options, field, told):
    with pytest.raises(errors.FieldInvalid, match=told) as refused:
        convert_media.fn("a.png", format="webp", **options)
    assert refused.value.field == field


@pytest.mark.parametrize("name", ["source", "destination", "webhook_url"])
def test_a_secret_of_a_folder_is_refused_before_prefect_has_it(name):
    with pytest.raises(errors.FieldInvalid, match=f"{name} carries a secret"):
        deployment_runs.run_batch({name: "https://key:word@a.b/c"}, "prj_a", None)


@pytest.mark.parametrize(
    ("raised", "kind"),
    [
        (httpx.ConnectError("refused"), errors.ServiceUnreachable),
        (answered(401, "Unauthorized"), errors.TokenInvalid),
        (answered(503, "busy"), errors.ServiceUnreachable),
        (answered(409, "Error creating flow run: something else"), errors.FieldInvalid),
    ],
)
def test_what_prefect_answers_is_an_error_of_ours(raised, kind):
    with pytest.raises(kind) as error, deployment_runs.prefect_errors("convert-request/convert-request"):
        raise raised
    assert error.value.transient == kind.transient


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
