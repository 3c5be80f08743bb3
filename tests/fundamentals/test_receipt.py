"""Every output has a signed receipt: what it is, and how it was made and checked."""

import jwt
import pytest

from benchmarks.harness.json_client import Refused
from penstock.domain.ids import ProjectId
from penstock.records import Records
from tests.service import artifacts_of, wait_for

pytestmark = pytest.mark.service


@pytest.fixture
def records(penstock):
    opened = Records(penstock.service.database_url)
    yield opened
    opened.close()


def test_an_output_has_a_signed_receipt(penstock, origin, clip, records):
    task = penstock.converted({"url": f"{origin}/{clip.name}", "kind": "video", "format": "mp4", "width": 66})
    receipt = penstock.client.receipt(task["id"])
    signature = receipt.pop("signature")

    key = records.keys.receipt_key(ProjectId(receipt["project"]))
    assert jwt.decode(signature, key, algorithms=["HS256"]) == receipt
    assert (receipt["task"], receipt["file"], receipt["attempt"]) == (task["id"], task["output"]["id"], 1)
    assert receipt["output"]["sha256"] == task["output"]["sha256"]
    assert receipt["work"]["plan"] == task["plan"]
    assert [stream["codec"] for stream in receipt["checks"]["streams"]] == ["h264", "aac"]
    assert abs(receipt["checks"]["drift"]["end"]) < 0.1
    assert (receipt["checks"]["quality"]["metric"], receipt["checks"]["quality"]["frames"]) == ("vmaf", 5)
    assert 60 < receipt["checks"]["quality"]["score"] <= 100
    assert 0 < receipt["work"]["cpu_seconds"] < 60
    assert not any(word.startswith("/") for word in receipt["work"]["argv"])


def test_the_receipt_in_the_ui_has_pictures_and_no_signed_link(penstock, origin, photo, records):
    task = penstock.converted({"url": f"{origin}/{photo.name}", "kind": "image", "format": "webp", "width": 67})
    (shown,) = wait_for(lambda: [one for one in artifacts_of(penstock, task) if one["type"] == "markdown"])

    assert task["output"]["sha256"] in shown["data"]
    assert shown["key"] == f"receipt-{task['id'].replace('_', '-')}"
    assert shown["data"].startswith("## photo.png "), "the headline has the input's name"
    assert shown["data"].count("data:image/jpeg;base64,") == 2, "before and after"
    assert len(shown["data"]) < 100_000
    assert "signature" not in shown["data"]
    assert records.keys.project_secret(records.keys.default_project()) not in shown["data"]


def test_a_task_without_an_output_has_no_receipt(penstock, origin):
    task = penstock.finished(penstock.client.create({"url": f"{origin}/no.mp4", "kind": "video", "format": "avi"}))
    with pytest.raises(Refused) as refused:
        penstock.client.receipt(task["id"])
    assert refused.value.code == "not_found"


def test_plans_estimate_from_past_conversions(penstock, origin, photo):
    requests = [
        {"url": f"{origin}/{photo.name}", "kind": "image", "format": "jpeg", "width": width, "quality": 0.7}
        for width in (71, 72, 73, 74)
    ]
    sizes = [penstock.converted(request)["output"]["filesize"] for request in requests[:3]]
    estimate = penstock.client.plan(requests[3])["estimate"]

    assert estimate["tasks"] >= 3
    assert 0.3 * min(sizes) < estimate["bytes"]["expected"] < 3 * max(sizes)
    assert estimate["seconds"]["low"] <= estimate["seconds"]["expected"] <= estimate["seconds"]["high"]
