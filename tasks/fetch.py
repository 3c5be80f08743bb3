"""Download the input and probe it."""

from prefect import get_run_logger

from penstock.conversion.convert import fetch_input
from penstock.domain.stages import Accepted, Original
from penstock.orchestration.run.lease import Run
from penstock.tasks import policy
from penstock.tasks.stage import stage


@stage(policy.FETCH)
def fetch(accepted: Accepted, run: Run) -> Original:
    seconds = policy.fetch_seconds(run.services.fetch_policy.longest_seconds)
    with run.stages.stage("fetch", seconds):
        return fetch_input(accepted, run.workspace(get_run_logger()))
