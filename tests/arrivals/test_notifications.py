"""Notifications of a real bucket: what arrives is converted once the burst is over; what lies is refused."""

import json
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import fsspec
import httpx
import psycopg
import pytest
from PIL import Image

from penstock.api.routes import arrivals
from penstock.arrivals.rules import read_rules
from penstock.arrivals.submitting import submit_due
from penstock.domain import errors
from penstock.domain.pagination import ListQuery
from penstock.services import Services
from tests.api.app import FakeRunService, Project, new_project, serving
from tests.arrivals.conftest import CERTIFICATE, CONFIRMATION, NOTIFICATION, TOPIC, Sign
from tests.arrivals.test_shapes import EVENT_BRIDGE, MINIO, R2, RECORD
from tests.batches.runner import BatchRunner

SHOPS = count()
EXAMPLES = Path(__file__).parents[2] / "deployments" / "examples"


@dataclass(frozen=True)
class Bucket:
    """A prefix of a real bucket with a rule for it, and the API that its notifications go to."""

    prefix: str
    client: httpx.Client
    services: Services
    project: Project
    files: fsspec.AbstractFileSystem

    def put(self, name: str) -> None:
        with self.files.open(f"{self.prefix}/{name}", "wb") as file:
            Image.new("RGB", (80, 60), "teal").save(file, "PNG")

    def key(self, name: str) -> str:
        return f"{self.prefix.partition('/')[2]}/{name}"

    def notify(self, body: object, project: Project | None = None) -> httpx.Response:
        return self.client.post("/events/s3", json=body, **(project or self.project)())

    def arrived(self, *names: str) -> httpx.Response:
        return self.notify({"Records": [record(self.key(name)) for name in names]})

    def burst_over(self) -> None:
        with psycopg.connect(self.services.records.url, autocommit=True) as clock:
            clock.execute("UPDATE arrivals SET due = now()")
        submit_due(self.services.records, {rule.digest: rule for rule in self.client.rules})  # type: ignore[attr-defined]

    def batches(self):
        return self.services.records.batches.page(self.project.id, ListQuery()).items


def record(key: str, bucket: str = "bucket") -> dict[str, object]:
    return RECORD | {"s3": {"bucket": {"name": bucket}, "object": {"key": key, "size": 5}}}


@pytest.fixture
def bucket(new_services, s3_endpoint, aws, tmp_path) -> Iterator[Bucket]:
    prefix, owner = f"bucket/shop-{next(SHOPS)}", secrets.token_hex(4)
    batch = {"source": f"s3://{prefix}/in", "destination": f"s3://{prefix}/out", "format": "webp", "width": 40}
    rules = tmp_path / "rules.json"
    unowned = {"project": "not made yet", "batch": batch | {"width": 41}}  # of which the others notice nothing
    rules.write_text(json.dumps([{"project": owner, "topic": TOPIC, "batch": batch}, unowned]))
    limits = {"failed_links_per_minute": 6}
    given = {"s3_endpoint_url": s3_endpoint, "batch_roots": f"s3://{prefix}", "arrival_rules": rules}
    with new_services(**given, **limits) as services:
        project_id = services.records.keys.new_project(owner)
        project = Project(project_id, services.records.keys.create(project_id)[1], services.records)
        with serving(services, FakeRunService()) as client:
            client.rules = read_rules(rules, f"s3://{prefix}")  # type: ignore[attr-defined]
            files = fsspec.filesystem("s3", endpoint_url=s3_endpoint, skip_instance_cache=True)
            yield Bucket(prefix, client, services, project, files)


def test_a_burst_becomes_one_batch_that_converts_what_arrived(bucket: Bucket):
    for number in range(3):
        bucket.put(f"in/{number}.png")
        assert bucket.arrived(f"in/{number}.png").json()["data"] == {"object": "arrival", "objects": 1}
    submit_due(bucket.services.records, {})  # the burst is not over
    assert bucket.batches() == ()
    bucket.burst_over()
    (batch,) = bucket.batches()
    done = BatchRunner(bucket.services, bucket.project.id).run(batch.spec)

    assert done.id == batch.id
    outputs = sorted(name.rpartition("/")[2] for name in bucket.files.find(f"{bucket.prefix}/out"))
    assert outputs == ["0.webp", "1.webp", "2.webp", "manifest.jsonl"]
    answer = bucket.arrived("out/0.webp", "out/manifest.jsonl")  # our own outputs are notified too
    assert answer.json()["data"]["objects"] == 0
    bucket.burst_over()
    assert len(bucket.batches()) == 1
    assert bucket.batches()[0].attempt == 1


def test_the_example_puts_a_file_and_tells_of_it(bucket: Bucket, s3_endpoint, tmp_path):
    Image.new("RGB", (80, 60), "navy").save(tmp_path / "photo.png")
    service = {"PENSTOCK_API_URL": str(bucket.client.base_url).rstrip("/"), "PENSTOCK_API_KEY": bucket.project.key}
    target = f"s3://{bucket.prefix}/in/Ferien am Meer+1.png"
    said = subprocess.run(
        [sys.executable, EXAMPLES / "s3_notification.py", tmp_path / "photo.png", target],
        env=os.environ | service | {"AWS_ENDPOINT_URL": s3_endpoint},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (said.returncode, said.stdout) == (0, "1 to be converted\n"), said.stderr
    bucket.burst_over()
    (batch,) = bucket.batches()
    BatchRunner(bucket.services, bucket.project.id).run(batch.spec)
    assert bucket.files.exists(f"{bucket.prefix}/out/Ferien am Meer+1.webp")


def test_what_arrives_while_the_batch_runs_is_converted_by_its_next_run(bucket: Bucket):
    bucket.put("in/a.png")
    bucket.arrived("in/a.png")
    bucket.burst_over()
    bucket.arrived("in/a.png")
    bucket.burst_over()
    (running,) = bucket.batches()
    assert running.attempt == 1
    bucket.services.records.batches.end(running.id, 1, "completed")
    bucket.burst_over()

    assert [batch.attempt for batch in bucket.batches()] == [2]


def test_a_rule_without_a_project_waits_and_holds_up_no_other(bucket: Bucket, caplog: pytest.LogCaptureFixture):
    records, rules = bucket.services.records, bucket.client.rules  # type: ignore[attr-defined]
    records.arrivals.note([rule.digest for rule in rules], 5, 60)
    bucket.burst_over()

    assert len(bucket.batches()) == 1
    assert "There is no such project" in caplog.text
    with psycopg.connect(records.url) as connection:
        waiting = connection.execute("SELECT due > now() FROM arrivals WHERE rule = %s", [rules[1].digest])
        assert waiting.fetchall() == [(True,)]


@pytest.mark.parametrize("shape", ["minio", "eventbridge", "r2"])
def test_every_vendor_is_accepted(bucket: Bucket, shape: str):
    bucket.put("in/a b.png")
    key = bucket.key("in/a b.png")
    body = {
        "minio": MINIO | {"Records": [record(key.replace(" ", "+")) | {"eventName": "s3:ObjectCreated:Put"}]},
        "eventbridge": EVENT_BRIDGE | {"detail": {"bucket": {"name": "bucket"}, "object": {"key": key}}},
        "r2": R2 | {"bucket": "bucket", "object": {"key": key}},
    }[shape]

    assert bucket.notify(body).json()["data"]["objects"] == 1


@pytest.mark.parametrize(
    ("record_", "code"),
    [
        (record("in/a.png", "foreign"), "url_forbidden"),
        (record("elsewhere/a.png"), "url_forbidden"),
        (record("../a.png"), "url_forbidden"),
        ({}, "body_invalid"),
    ],
)
def test_a_notification_that_lies_is_refused(bucket: Bucket, record_: dict[str, object], code: str):
    answer = bucket.notify({"Records": [record_]})

    assert answer.json()["error"]["code"] == code
    assert_nothing_noted(bucket)


def test_an_object_that_is_not_there_is_refused(bucket: Bucket):
    assert bucket.arrived("in/never.png").json()["error"]["code"] == "input_unreachable"
    assert_nothing_noted(bucket)


def test_another_project_starts_nothing(bucket: Bucket):
    bucket.put("in/a.png")
    answer = bucket.notify({"Records": [record(bucket.key("in/a.png"))]}, new_project(bucket.services))

    assert answer.json()["error"]["code"] == "url_forbidden"
    assert bucket.client.post("/events/s3", json={}).json()["error"]["code"] == "token_missing"
    assert_nothing_noted(bucket)


def sent_by_sns(bucket: Bucket, body: dict[str, object]) -> httpx.Response:
    headers = {"x-amz-sns-message-type": str(body["Type"]), "Content-Type": "text/plain; charset=UTF-8"}
    return bucket.client.post("/events/s3", content=json.dumps(body), headers=headers)


def test_sns_needs_no_key_but_a_signature_and_a_topic_of_a_rule(
    bucket: Bucket,
    signed: Sign,
    certificate: bytes,
    monkeypatch: pytest.MonkeyPatch,
):
    asked: list[str] = []

    def download(url: str, *_: object) -> bytes:
        asked.append(url)
        return certificate

    monkeypatch.setattr(arrivals, "download_bytes", download)
    bucket.put("in/a.png")
    message = NOTIFICATION | {"Message": json.dumps({"Records": [record(bucket.key("in/a.png"))]})}

    assert sent_by_sns(bucket, signed(message)).json()["data"]["objects"] == 1
    assert sent_by_sns(bucket, signed(CONFIRMATION)).json()["data"]["objects"] == 0
    assert asked == [CERTIFICATE, CONFIRMATION["SubscribeURL"]]
    other = sent_by_sns(bucket, signed(message | {"TopicArn": TOPIC + "-of-another"}))
    assert other.json()["error"]["code"] == "url_forbidden"
    for _ in range(5):  # more than may be invalid
        assert sent_by_sns(bucket, signed(message)).status_code == 200
    forged = sent_by_sns(bucket, signed(message) | {"Message": "{}"})
    assert (forged.status_code, forged.json()["error"]["code"]) == (401, "token_invalid")
    assert sent_by_sns(bucket, signed(message)).json()["error"]["code"] == "rate_limited"


def assert_nothing_noted(bucket: Bucket) -> None:
    digest = bucket.client.rules[0].digest  # type: ignore[attr-defined]
    with psycopg.connect(bucket.services.records.url) as connection:
        assert connection.execute("SELECT 1 FROM arrivals WHERE rule = %s", [digest]).fetchall() == []


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ({"batch": {"source": "/data", "format": "webp"}}, "s3://"),
        ({"batch": {"source": "s3://other/in", "format": "webp"}}, "not allowed"),
        ({"batch": {"source": "s3://bucket/in", "destination": "s3://other/out", "format": "webp"}}, "not allowed"),
        ({"batch": {"source": "s3://bucket/in", "widht": 5}}, "width"),
        ({"batch": {"source": "s3://bucket/in", "format": "webp"}, "bucket": "x"}, "not a field"),
        ({}, "must be an object"),
    ],
)
def test_a_wrong_rule_is_told_at_the_start(tmp_path: Path, rule: object, message: str):
    path = tmp_path / "rules.json"
    path.write_text(json.dumps([rule]))
    with pytest.raises(errors.InvalidSettings, match=message):
        read_rules(path, "s3://bucket")


def test_a_file_of_rules_that_is_none_is_told(tmp_path: Path):
    (tmp_path / "rules.json").write_text('{"batch": {}}')
    for path in (tmp_path / "rules.json", tmp_path / "none.json"):
        with pytest.raises(errors.InvalidSettings, match="PENSTOCK_ARRIVAL_RULES cannot be read"):
            read_rules(path, "")
