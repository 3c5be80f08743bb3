"""Runs of the service's deployments: what its API takes from nobody, addresses within PENSTOCK_BATCH_ROOTS."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from prefect.client.schemas.objects import State
from prefect.deployments import arun_deployment, run_deployment
from prefect.exceptions import ObjectNotFound

from penstock.domain.secret_urls import require_no_secret, require_no_secret_anywhere
from penstock.errors import Cancelled, MediaError, ServiceNotFound, WaitTimeout, error_of

REQUEST = "convert-request/convert-request"
BATCH = "convert-batch/convert-batch"
POLL_SECONDS = 1.0


def run_request(request: Mapping[str, Any], project: str, timeout: float | None) -> str:
    """Run `convert-request`, and wait; returns the id of its Task. Raises the error that its state tells."""
    with _known_deployment(REQUEST):
        run: Any = run_deployment(
            REQUEST, parameters=_parameters(request, project), timeout=timeout, poll_interval=POLL_SECONDS
        )
    return _returned(run.state, "id", timeout)


async def arun_request(request: Mapping[str, Any], project: str, timeout: float | None) -> str:
    """`run_request` for async flows."""
    with _known_deployment(REQUEST):
        run: Any = await arun_deployment(
            REQUEST, parameters=_parameters(request, project), timeout=timeout, poll_interval=POLL_SECONDS
        )
    return _returned(run.state, "id", timeout)


def run_batch(batch: Mapping[str, Any], project: str, timeout: float | None) -> str:
    """Run `convert-batch`, and wait; returns the id of its Batch. Raises the error that its state tells."""
    parameters = {"batch": dict(batch), "project": project}
    with _known_deployment(BATCH):
        run: Any = run_deployment(BATCH, parameters=parameters, timeout=timeout, poll_interval=POLL_SECONDS)
    return _returned(run.state, "batch", timeout)


def _parameters(request: Mapping[str, Any], project: str) -> dict[str, Any]:
    """The parameters, which Prefect shows: without a secret. Raises `FieldInvalid`."""
    for name in ("url", "destination"):
        if request.get(name) is not None:
            require_no_secret(request[name], name)
    if request.get("webhook_url") is not None:
        require_no_secret_anywhere(request["webhook_url"], "webhook_url")
    return {"request": dict(request), "project": project}


@contextmanager
def _known_deployment(name: str) -> Iterator[None]:
    try:
        yield
    except ObjectNotFound as error:
        raise ServiceNotFound(f"There is no deployment {name}: is this flow's Prefect the service's?") from error


def _returned(state: State[Any], name: str, timeout: float | None) -> str:
    """The id under this name in what a run has returned. Raises the error that its state tells."""
    if not state.is_final():
        raise WaitTimeout(f"The run has not ended after {timeout:g} s; it goes on.")
    if state.is_cancelled():
        raise Cancelled(state.message or "The run was cancelled.")
    if not state.is_completed():
        raise error_in(state.message or "")
    told = state.result(raise_on_failure=False) if state.data is not None else None
    if not isinstance(told, dict) or name not in told:  # another run has the batch
        raise WaitTimeout(state.message or "Another run of the same has not ended.")
    return str(told[name])


def error_in(message: str) -> MediaError:
    """The error in the message of a failed run: `code: sentence`; of a run that crashed it is only a sentence."""
    told = re.fullmatch(r"(?P<code>[a-z_]+): (?P<message>.+)", message, re.DOTALL)
    return error_of(told.groupdict() if told else {"code": "internal", "message": message})
