"""A batch that came over the API reads addresses of the web and files of its project, never our folders or buckets."""

from collections.abc import Callable
from pathlib import Path

import pytest

from penstock.conversion.line_files import LineFiles
from penstock.domain import errors
from penstock.domain.batch.batch import BatchItem, BatchOrder
from penstock.domain.batch.spec import BatchSpec, RunOptions
from penstock.domain.ids import new_file_id
from penstock.services import Services
from tests.api.app import Project, store_upload, with_settings
from tests.api.batches import PICTURE, json_lines, order_of, planned_items, store_manifest

FORBIDDEN = [
    "file:///etc/passwd", "FILE:///etc/passwd", "s3://bucket/key", "gs://bucket/key", "memory://x", "/etc/passwd",
    "photos/a.png", "http://127.0.0.1:1/a.png", "HTTP://169.254.169.254/meta", "http://user:word@example.com/a.png",
]  # fmt: skip
Planned = Callable[..., list[BatchItem]]


@pytest.fixture
def roots(parts: Services, tmp_path: Path) -> Services:
    """Services that let batches from Prefect's form read this folder."""
    (tmp_path / "a.png").write_bytes(b"secret")
    return with_settings(parts, batch_roots=str(tmp_path))


def by_request(parts: Services, project: Project, address: str) -> BatchOrder:
    return order_of([{"url": address, "format": "webp"}])


def by_manifest(parts: Services, project: Project, address: str) -> BatchOrder:
    manifest = store_manifest(parts, project, json_lines([{"input": address, "format": "webp"}]))
    return BatchOrder(BatchSpec(manifest=manifest))


def by_result_manifest(parts: Services, project: Project, address: str) -> BatchOrder:
    line = {"input": address, "status": "planned", "request": {"format": "webp"}}
    return BatchOrder(BatchSpec(manifest=store_manifest(parts, project, json_lines([line]))))


@pytest.mark.parametrize("order", [by_request, by_manifest, by_result_manifest])
@pytest.mark.parametrize("address", FORBIDDEN)
def test_a_line_with_a_forbidden_address_fails(parts: Services, project: Project, order: Callable, address: str):
    (item,) = planned_items(parts, project, order(parts, project, address))

    assert (item.status, item.error.code) == ("failed", "url_forbidden")
    assert "/etc" not in item.error.message


@pytest.mark.parametrize("order", [by_request, by_manifest, by_result_manifest])
def test_a_root_of_other_batches_opens_nothing_to_the_api(
    roots: Services, project: Project, tmp_path: Path, order: Callable
):
    (item,) = planned_items(roots, project, order(roots, project, f"file://{tmp_path}/a.png"))

    assert (item.status, item.error.code, item.size) == ("failed", "url_forbidden", None)


@pytest.mark.parametrize("trusted", [True, False])
def test_a_run_fetches_no_such_input_whatever_was_planned(
    roots: Services, project: Project, tmp_path: Path, trusted: bool
):
    order = order_of([PICTURE])
    batch = roots.records.batches.submit(project.id, BatchOrder(order.spec, lines=order.lines, trusted=trusted))
    files = LineFiles(batch, roots)

    with pytest.raises(errors.UrlForbidden):
        files.fetch(f"file://{tmp_path}/a.png", tmp_path / "copy", None, lambda: False)
    with pytest.raises(errors.UrlForbidden):
        files.modified(f"file://{tmp_path}/a.png")


@pytest.mark.parametrize("name", ["destination", "output", "replaces", "hight"])
def test_a_request_names_no_output_and_no_unknown_field(parts: Services, project: Project, name: str):
    (item,) = planned_items(parts, project, order_of([PICTURE | {name: "s3://bucket/key"}]))

    assert (item.error.code, item.error.field, item.output) == ("field_unknown", name, None)


@pytest.mark.parametrize("name", ["destination", "replaces", "url"])
def test_a_result_manifest_that_was_edited_names_no_output_either(parts: Services, project: Project, name: str):
    line = {"input": PICTURE["url"], "request": {"format": "webp", name: "file:///etc/passwd"}}
    (item,) = planned_items(
        parts, project, BatchOrder(BatchSpec(manifest=store_manifest(parts, project, json_lines([line]))))
    )

    assert (item.status, item.output) == ("failed", None)


def test_the_outputs_in_a_result_manifest_are_left_out(parts: Services, project: Project):
    line = {"input": PICTURE["url"], "output": "file:///etc/cron.d/x", "request": {"format": "webp"}}
    (item,) = planned_items(
        parts, project, BatchOrder(BatchSpec(manifest=store_manifest(parts, project, json_lines([line]))))
    )

    assert (item.status, item.output) == ("queued", None)


def test_a_file_of_another_project_is_unknown(parts: Services, project: Project, other: Project):
    theirs = store_upload(parts, other).id
    items = planned_items(
        parts, project, order_of([{"file_id": name, "format": "mp4"} for name in (theirs, new_file_id())])
    )

    assert [item.error.code for item in items] == ["file_not_found", "file_not_found"]
    assert items[0].error == items[1].error


@pytest.mark.parametrize("column", ["input", "url", "file_id"])
def test_a_manifest_names_its_inputs_in_any_of_three_columns(parts: Services, project: Project, column: str):
    name = store_upload(parts, project).id if column == "file_id" else "https://example.com/a.mov"
    manifest = store_manifest(parts, project, f"{column},format\n{name},mp4\n".encode())
    (item,) = planned_items(parts, project, BatchOrder(BatchSpec(manifest=manifest)))

    assert (item.status, item.input) == ("queued", name)


def test_the_size_of_an_upload_is_known_before_it_is_converted(parts: Services, project: Project):
    upload = store_upload(parts, project, b"0123456789")
    (item,) = planned_items(parts, project, order_of([{"file_id": upload.id, "format": "mp4"}]))

    assert (item.status, item.size, item.version) == ("queued", 10, upload.facts.sha256)


def test_a_line_of_a_manifest_that_cannot_be_read_stays_failed(parts: Services, project: Project):
    manifest = store_manifest(parts, project, json_lines([PICTURE, {"input": 5}, {"input": "s3://a/b"}]))
    order = BatchOrder(BatchSpec(manifest=manifest))
    before = planned_items(parts, project, order)
    again = planned_items(parts, project, BatchOrder(order.spec, RunOptions(only="failed")))

    assert [item.status for item in before] == ["queued", "failed", "failed"]
    assert [item.error for item in again] == [item.error for item in before]


def test_what_cannot_be_stored_is_the_error_of_its_line(parts: Services, project: Project):
    lines = [
        r'{"input": "https://example.com/a", "format": "webp", "background": "\u0000\udc80"}',
        r'{"input": "https://example.com/\ud800", "format": "webp", "quality": Infinity}',
        r'{"input": "https://example.com/a", "kind": "image", "format": {"a": [1e999]}}',
    ]
    manifest = store_manifest(parts, project, "\n".join(lines).encode())
    items = planned_items(parts, project, BatchOrder(BatchSpec(manifest=manifest)))

    assert [item.error.code for item in items] == ["field_invalid", "field_invalid", "format_unsupported"]
