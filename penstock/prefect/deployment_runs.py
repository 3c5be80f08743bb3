"""Runs of the service's deployments: what its API takes from nobody, addresses within PENSTOCK_BATCH_ROOTS."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import httpx
from prefect.client.schemas.objects import State
from prefect.deployments import arun_deployment, run_deployment
from prefect.exceptions import ObjectNotFound

from penstock.domain.secret_urls import require_no_secret, require_no_secret_anywhere
from penstock.errors import (
    Cancelled,
    FieldInvalid,
    FormatUnsupported,
    MediaError,
    ServiceNotFound,
    ServiceUnreachable,
    TokenInvalid,
    WaitTimeout,
    WorkerLost,
    error_of,
)

REQUEST = "convert-request/convert-request"
BATCH = "convert-batch/convert-batch"
POLL_SECONDS = 1.0


def run_request(request: Mapping[str, Any], project: str, timeout: float | None) -> str:
    """Run `convert-request`, and wait; returns the id of its Task. Raises the error that its state tells."""
    parameters = {"request": _shown(request), "project": project}
    with prefect_errors(REQUEST):
        run: Any = run_deployment(REQUEST, parameters=parameters, timeout=timeout, poll_interval=POLL_SECONDS)
    return _returned(run.state, "id", timeout)


async def arun_request(request: Mapping[str, Any], project: str, timeout: float | None) -> str:
    """`run_request` for async flows."""
    parameters = {"request": _shown(request), "project": project}
    with prefect_errors(REQUEST):
        run: Any = await arun_deployment(REQUEST, parameters=parameters, timeout=timeout, poll_interval=POLL_SECONDS)
    return _returned(run.state, "id", timeout)


def run_batch(batch: Mapping[str, Any], project: str, timeout: float | None) -> str:
    """Run `convert-batch`, and wait; returns the id of its Batch. Raises the error that its state tells."""
    parameters = {"batch": _shown(batch), "project": project}
    with prefect_errors(BATCH):
        run: Any = run_deployment(BATCH, parameters=parameters, timeout=timeout, poll_interval=POLL_SECONDS)
    return _returned(run.state, "batch", timeout)


def _shown(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields as a parameter, which Prefect shows to everybody. Raises `FieldInvalid` for a secret in it."""
    for name in ("url", "source", "destination"):
        if fields.get(name) is not None:
            require_no_secret(fields[name], name)
    if fields.get("webhook_url") is not None:
        require_no_secret_anywhere(fields["webhook_url"], "webhook_url")
    return dict(fields)


@contextmanager
def prefect_errors(deployment: str) -> Iterator[None]:
    """What Prefect raises where it makes or reads a run, as errors of ours."""
    try:
        yield
    except ObjectNotFound as error:
        raise ServiceNotFound(f"There is no deployment {deployment}: is this flow's Prefect the service's?") from error
    except httpx.HTTPStatusError as error:
        raise _told_by(error.response) from error
    except httpx.TransportError as error:
        raise ServiceUnreachable("Prefect does not answer at PREFECT_API_URL.") from error


def _told_by(answer: httpx.Response) -> MediaError:
    """Prefect checks parameters by the schema of the deployment before it makes a run, and answers 409."""
    if answer.status_code in (401, 403):
        return TokenInvalid("Prefect refuses this flow: set PREFECT_API_AUTH_STRING to that of the service.")
    told = re.search(r"field '[a-z]+\.(\w+)[^']*'\. Failure reason: (.+?)\"?}?$", answer.text, re.DOTALL)
    if answer.status_code == 409 and told:
        kind = FormatUnsupported if told[1] == "format" else FieldInvalid
        return kind(f"{told[1]}: {told[2]}.", field=told[1])
    if answer.status_code < 500:
        return FieldInvalid(f"Prefect makes no run of these parameters: {answer.text[:500]}")
    return ServiceUnreachable(f"Prefect answers {answer.status_code}.")


def _returned(state: State[Any], name: str, timeout: float | None) -> str:
    """The id under this name in what a run has returned. Raises the error that its state tells."""
    if not state.is_final():
        raise WaitTimeout(f"The run has not ended after {timeout:g} s; it goes on.")
    if state.is_cancelled():
        raise Cancelled(state.message or "The run was cancelled.")
    if state.is_crashed():  # another run goes on with its Task, which the next try waits for
        raise WorkerLost(state.message or "The worker of the run was lost.")
    if not state.is_completed():
        raise error_in(state.message or "")
    told = state.result(raise_on_failure=False) if state.data is not None else None
    if not isinstance(told, dict) or name not in told:  # another run has the batch
        raise WaitTimeout(state.message or "Another run of the same has not ended.")
    return str(told[name])


def error_in(message: str) -> MediaError:
    """The error in the message of a failed run: `code: sentence`; of a bug it is only a sentence."""
    told = re.fullmatch(r"(?P<code>[a-z_]+): (?P<message>.+)", message, re.DOTALL)
    return error_of(told.groupdict() if told else {"code": "internal", "message": message})
