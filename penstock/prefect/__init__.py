"""Blocks and tasks for flows of other projects: `pip install 'penstock[prefect]'`.

`prefect block register -m penstock.prefect` makes the block known to the Prefect UI."""

from penstock.prefect.batch_tasks import FolderResult, convert_folder, convert_many
from penstock.prefect.credentials import PenstockCredentials
from penstock.prefect.media_tasks import aconvert_media, await_task, convert_media, download_output, wait_for_task
from penstock.prefect.policy import BY_REQUEST

__all__ = [
    "BY_REQUEST",
    "FolderResult",
    "PenstockCredentials",
    "aconvert_media",
    "await_task",
    "convert_folder",
    "convert_many",
    "convert_media",
    "download_output",
    "wait_for_task",
]
