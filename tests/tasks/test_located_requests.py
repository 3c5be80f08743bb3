"""Requests of deployments that name files in folders and prefixes: the stages of their runs, on real folders, a real S3
server and real records."""

import secrets
from dataclasses import replace
from types import SimpleNamespace
from uuid import uuid4

import fsspec
import pytest
from PIL import Image
from prefect.logging import disable_run_logger

from penstock.domain import errors
from penstock.domain.formats import KINDS
from penstock.domain.request import SourceRequest
from penstock.orchestration.run.lifecycle import open_run
from penstock.tasks import accept as accepting
from penstock.tasks import validate as validating
from penstock.tasks.fetch import fetch
from penstock.tasks.record import record
from penstock.tasks.transcode import transcode
from penstock.tasks.upload import upload
from tests.batches.conftest import batch_database, new_services  # noqa: F401 - fixtures
from tests.storage.conftest import aws, s3_endpoint  # noqa: F401 - fixtures

pytestmark = pytest.mark.media


class Runs:
    """Runs `convert-request` as its flow does, without Prefect."""

    def __init__(self, services, project, monkeypatch):
        self.services, self.project, self.monkeypatch = services, project, monkeypatch

    def accepted(self, **request):
        present = SimpleNamespace(id=str(uuid4()))
        for module in (accepting, validating):
            self.monkeypatch.setattr(module, "flow_run", present)
        return accepting.accept.fn({"kind": "image", "format": "webp"} | request, self.project, self.services)

    def converted(self, **request):
        accepted = self.accepted(**request)
        assert accepted.skip_reason is None
        with open_run(accepted.task.id, accepted.task.attempt, self.services) as run:
            return record.fn(uploaded(run), run)


def uploaded(run):
    original = fetch.fn(validating.validate.fn(run), run)
    return upload.fn(transcode.fn(original, run), run)


class Place:
    """A folder or a prefix, as a user's own programs see it."""

    def __init__(self, address, **options):
        self.address, self.options = address, options

    def write(self, name, content):
        with fsspec.open(f"{self.address}/{name}", "wb", **self.options) as file:
            file.write(content)

    def read(self, name):
        with fsspec.open(f"{self.address}/{name}", "rb", **self.options) as file:
            return file.read()

    def names(self):
        files = fsspec.filesystem(self.address.partition("://")[0], **self.options, skip_instance_cache=True)
        return sorted(path.rpartition("/")[2] for path in files.find(self.address))


@pytest.fixture(params=["folder", "prefix"])
def place(request, tmp_path):
    if request.param == "folder":
        (tmp_path / "allowed").mkdir()
        return Place(f"file://{tmp_path}/allowed")
    request.getfixturevalue("aws")
    return Place(f"s3://bucket/{tmp_path.name}", endpoint_url=request.getfixturevalue("s3_endpoint"))


@pytest.fixture
def runs(place, request, monkeypatch):
    endpoint = place.options.get("endpoint_url")
    opened = request.getfixturevalue("new_services")(batch_roots=place.address, s3_endpoint_url=endpoint)
    monkeypatch.setattr(accepting, "name_run", lambda _task: None)
    with opened as services, disable_run_logger():
        yield Runs(services, services.records.keys.new_project(secrets.token_hex(8)), monkeypatch)


@pytest.fixture
def photo(place, tmp_path):
    def written(color="red", name="a photo.png"):
        Image.new("RGB", (60, 40), color).save(tmp_path / "photo.png")
        place.write(name, (tmp_path / "photo.png").read_bytes())
        return f"{place.address}/{name}"

    return written


def test_an_input_within_the_roots_is_converted_and_skipped_until_it_changes(runs, photo):
    first = runs.converted(url=photo(), width=30)
    again = runs.accepted(url=first.request.url, width=30)
    photo("blue")
    changed = runs.converted(url=first.request.url, width=30)

    assert (first.status, first.batch, first.output.facts.width) == ("completed", None, 30)
    assert again.skip_reason.startswith("unchanged since ")
    assert (changed.id, changed.attempt) == (first.id, 2)
    assert changed.output.facts.sha256 != first.output.facts.sha256


def test_an_output_is_published_at_its_destination_by_the_rules_of_batches(runs, photo, place):
    request = {"url": photo(), "destination": f"{place.address}/web/out.webp"}
    done = runs.converted(**request)
    assert done.output.location == request["destination"]
    assert place.read("web/out.webp")[8:12] == b"WEBP"
    assert runs.accepted(**request).skip_reason.startswith("unchanged since ")

    photo("blue")
    assert runs.converted(**request).output.facts.sha256 != done.output.facts.sha256
    place.write("web/out.webp", b"of somebody else")
    with pytest.raises(errors.FieldInvalid, match="`overwrite` replaces it"):
        runs.accepted(**request)
    assert place.read("web/out.webp") == b"of somebody else"
    assert runs.converted(**request, overwrite=True).attempt == 3
    assert place.read("web/out.webp")[8:12] == b"WEBP"
    assert place.names() == ["a photo.png", "out.webp"]


def test_what_lies_outside_the_roots_is_refused_before_a_task_exists(runs, photo, place, tmp_path):
    inside = photo()
    (tmp_path / "secret.png").write_bytes(b"secret")
    outside = ["s3://other/a.png", "/etc/hostname", f"{place.address}-not/a.png", f"{place.address}/../secret.png"]
    outside += [f"{place.address}/%2e%2e/secret.png", place.address, f"file://host{tmp_path}/allowed/a.png"]
    if place.address.startswith("file"):
        (tmp_path / "allowed" / "link").symlink_to(tmp_path)
        outside.append(f"{place.address}/link/secret.png")
    for address in outside:
        for request in ({"url": address}, {"url": inside, "destination": address}):
            with pytest.raises(errors.UrlForbidden, match="PENSTOCK_BATCH_ROOTS") as refused:
                runs.accepted(**request)
            assert refused.value.field == ("destination" if "destination" in request else "url")


def test_a_destination_that_can_take_no_output_is_refused_before_a_task_exists(runs, photo, place, tmp_path):
    request = {"url": photo(), "overwrite": True}
    wrong = {f"{place.address}/./a photo.png": "its own input", f"{place.address}/.penstock/a.webp": "not in .penstock"}
    if place.address.startswith("file"):
        (tmp_path / "allowed" / "link").symlink_to(tmp_path / "allowed")
        wrong[f"{place.address}/link/a photo.png"] = "its own input"
    for destination, told in wrong.items():
        with pytest.raises(errors.FieldInvalid, match=told):
            runs.accepted(**request, destination=destination)
    for field in ("url", "destination"):
        with pytest.raises(errors.UrlForbidden):
            runs.accepted(**request | {"destination": f"{place.address}/a.webp"} | {field: f"{place.address}/%00.png"})


def test_a_destination_that_cannot_be_written_to_is_refused_before_anything_is_converted(runs, photo, place, tmp_path):
    (tmp_path / "flat").write_bytes(b"no folder")
    unusable = f"file://{tmp_path}/flat" if place.address.startswith("file") else "s3://absent"
    settings = runs.services.settings.model_copy(update={"batch_roots": f"{place.address},{unusable}"})
    runs.services = replace(runs.services, settings=settings)
    with pytest.raises((errors.FieldInvalid, errors.StorageUnavailable)):
        runs.accepted(url=photo(), destination=f"{unusable}/out.webp")
    assert runs.accepted(url=photo(), destination=f"{place.address}/out.webp").task.attempt == 1
    assert place.names() == ["a photo.png"]


def test_an_output_whose_file_was_deleted_is_made_again_in_its_place(runs, photo, place):
    request = {"url": photo(), "destination": f"{place.address}/out.webp"}
    done = runs.converted(**request)
    runs.services.records.files.delete(runs.project, done.output.id)
    assert place.names() == ["a photo.png", "out.webp"]

    again = runs.converted(**request)
    assert (again.id, again.attempt, again.status) == (done.id, 2, "completed")
    assert again.output.id != done.output.id


def test_a_run_looks_at_the_roots_again(runs, photo, place):
    accepted = runs.accepted(url=photo(), destination=f"{place.address}/out.webp")
    settings = runs.services.settings.model_copy(update={"batch_roots": "/elsewhere"})
    with open_run(accepted.task.id, 1, replace(runs.services, settings=settings)) as run:
        begun = validating.validate.fn(run)
        with pytest.raises(errors.UrlForbidden, match="PENSTOCK_BATCH_ROOTS"):
            fetch.fn(begun, run)


def test_an_address_of_a_folder_that_came_over_the_api_is_never_read(runs, photo):
    """Even if it had got past the check of the body."""
    task = runs.services.records.tasks.submit(
        runs.project, SourceRequest(url=photo(name="a.png"), kind="image", format="webp")
    )
    runs.accepted(url="https://example.com/a.png")  # sets the flow run
    with open_run(task.id, 1, runs.services) as run:
        accepted = validating.validate.fn(run)
        with pytest.raises(errors.UrlForbidden, match="must be an http"):
            fetch.fn(accepted, run)


def test_a_run_that_died_after_publishing_is_completed_by_the_next_one(runs, photo, place):
    request = {"url": photo(), "destination": f"{place.address}/out.webp"}
    task, tasks = runs.accepted(**request).task, runs.services.records.tasks
    with open_run(task.id, 1, runs.services) as first:
        published = uploaded(first)
        if place.address.startswith("file"):  # what a kill in the middle of another try leaves
            place.write(f".penstock/{task.id}-0123", b"half")
        assert tasks.give_back(task.id, 1, first.lease.owner)
    with open_run(task.id, 2, runs.services) as second:
        done = record.fn(uploaded(second), second)

    assert (done.status, done.output.facts.sha256) == ("completed", published.file.facts.sha256)
    assert place.names() == ["a photo.png", "out.webp"]


def test_after_a_cancel_in_mid_publish_only_the_own_output_is_replaced(runs, photo, place):
    """Both files have the size that was noted; what decides is their content."""
    request = {"url": photo(), "destination": f"{place.address}/out.webp"}
    cancelled = published_and_cancelled(runs, request)
    assert runs.converted(**request).output.facts.sha256 == cancelled.file.facts.sha256

    photo("blue")
    cancelled = published_and_cancelled(runs, request)
    place.write("out.webp", b"?" * cancelled.file.facts.filesize)
    with pytest.raises(errors.FieldInvalid, match="it was not replaced"):
        runs.converted(**request)
    assert place.read("out.webp") == b"?" * cancelled.file.facts.filesize


def published_and_cancelled(runs, request):
    task = runs.accepted(**request).task
    with open_run(task.id, task.attempt, runs.services) as run:
        published = uploaded(run)
        assert runs.services.records.tasks.end(task.id, task.attempt, "cancelled")
    return published


def test_an_input_that_is_too_large_is_not_fetched(runs, photo):
    accepted = runs.accepted(url=photo())
    tools = runs.services.tools
    limits = replace(tools.limits, **{f"{kind}_input_bytes": 50 for kind in KINDS})
    with open_run(accepted.task.id, 1, replace(runs.services, tools=replace(tools, limits=limits))) as run:
        begun = validating.validate.fn(run)
        with pytest.raises(errors.InputTooLarge):
            fetch.fn(begun, run)
        assert not (run.scratch / "input").exists()


def test_an_impossible_conversion_is_refused_before_a_large_input_is_fetched(runs, place, clip):
    free_box = (9 * 2**20).to_bytes(4, "big") + b"free"
    place.write("clip.mp4", clip.read_bytes() + free_box.ljust(9 * 2**20, b"\0"))
    accepted = runs.accepted(url=f"{place.address}/clip.mp4", kind="video", format="mp4", width=7000)
    with open_run(accepted.task.id, 1, runs.services) as run:
        begun = validating.validate.fn(run)
        with pytest.raises(errors.UpscaleNotAllowed):
            fetch.fn(begun, run)
        assert not (run.scratch / "input").exists()
