"""One import, from address to File: validate → fetch → upload → record."""

from typing import Any

from prefect import State, flow

from penstock.domain import errors
from penstock.domain.ids import FileId
from penstock.orchestration.run.import_run import open_import
from penstock.orchestration.run_states import done_state, end_as_cancelled, ended_state, tag_failure
from penstock.services import current_services
from penstock.tasks.import_file import fetch_import, publish_import, store_import, take_import


@flow(
    name="import-file",
    description="Stores the file at an address without converting it. The API starts it. Its parameters are ids alone.",
    on_failure=[tag_failure],
    on_cancellation=[end_as_cancelled],
    persist_result=False,
)
def import_file(file_id: FileId, attempt: int = 1) -> State[Any]:
    """The message of its state says what the file is."""
    try:
        with open_import(file_id, attempt, current_services()) as run:
            wanted = take_import(run)
            fetched = fetch_import(wanted, run)
            file = publish_import(store_import(fetched, run), run)
    except errors.MediaError as error:
        return ended_state(error)
    return done_state(f"{file.name or file.id}: {file.facts.format}, {file.facts.filesize / 1e6:.2f} MB")
