"""What exists is documented: every route, field, format, error and setting."""

import json
import re
from pathlib import Path

import pytest

from penstock.api import ROUTERS
from penstock.api.bodies.webhook_body import parse_webhook
from penstock.api.error_table import PROBLEMS, Problem
from penstock.arrivals.rules import read_rules
from penstock.batches.batch_body import BatchBody
from penstock.domain.errors import MediaError
from penstock.domain.formats import FORMATS, Format
from penstock.domain.request import SourceRequest
from penstock.domain.web_addresses import parse_allowed
from penstock.domain.webhooks import MESSAGES, OutcomeCode
from penstock.engines.probing import decoders
from penstock.settings import Settings
from penstock.views.batches import BatchItemView, BatchPlanView, BatchView, CountsView
from penstock.views.tasks import FileView, TaskView
from penstock.views.webhooks import DeliveryView, MessageView, TryView, WebhookView

DOCS = Path(__file__).parents[1] / "docs"


def page(name: str) -> str:
    return (DOCS / f"{name}.md").read_text()


def routes() -> list[tuple[str, str]]:
    return [(method, route.path) for router in ROUTERS for route in router.routes for method in route.methods]


@pytest.mark.parametrize(("method", "path"), routes())
def test_every_route_is_described(method: str, path: str):
    assert f"`{method} {path}" in page("api")


@pytest.mark.parametrize("field", SourceRequest.model_fields)
def test_every_field_of_a_request_is_described(field: str):
    assert any(line.startswith("|") and f"`{field}`" in line for line in page("api").splitlines())


@pytest.mark.parametrize("field", BatchBody.model_fields)
def test_every_field_of_a_batch_is_described(field: str):
    batches = page("api").partition("## Batches")[2].partition("\n## ")[0]
    assert any(line.startswith("|") and f"`{field}`" in line for line in batches.splitlines())


@pytest.mark.parametrize(
    "field",
    [
        *FileView.model_fields, *TaskView.model_fields, *BatchView.model_fields, *CountsView.model_fields,
        *BatchItemView.model_fields, *BatchPlanView.model_fields, *WebhookView.model_fields,
    ],
)  # fmt: skip
def test_every_field_of_an_answer_is_shown(field: str):
    assert f"`{field}`" in page("api") or f'"{field}": ' in page("api")


@pytest.mark.parametrize("field", [*DeliveryView.model_fields, *TryView.model_fields, *MessageView.model_fields])
def test_every_field_of_a_webhook_is_shown(field: str):
    assert f'"{field}": ' in page("webhooks")


@pytest.mark.parametrize("code", MESSAGES)
def test_every_result_of_a_delivery_is_described_as_it_is(code: OutcomeCode):
    assert f"| `{code}` | {MESSAGES[code]} |" in page("webhooks")


def test_the_receiver_is_shown_as_it_is():
    example = (DOCS.parent / "deployments" / "examples" / "webhook_receiver.py").read_text()
    shown = page("webhooks").partition("```python\n")[2].partition("```")[0]
    assert shown in example


@pytest.mark.parametrize("example", ["after_conversion", "convert_on_event"])
def test_every_automation_is_shown_as_it_is(example: str):
    program = (DOCS.parent / "deployments" / "examples" / f"{example}.py").read_text()
    assert any(shown.partition("```")[0] in program for shown in page("events").split("```python\n")[1:])


def test_the_rule_of_the_page_on_events_is_one(tmp_path: Path):
    (rules,) = re.findall(r"```json\n(\[.*?\])\n```", page("events"), re.DOTALL)
    (tmp_path / "rules.json").write_text(rules)
    (rule,) = read_rules(tmp_path / "rules.json", "s3://media")
    assert rule.topic in page("events")


def test_the_webhook_of_the_page_is_one():
    (body,) = re.findall(r"-d '(.*?)'", page("webhooks"))
    assert parse_webhook(json.loads(body), parse_allowed("")).types == ["task.failed", "batch.completed"]


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_is_described_as_it_is(name: Format):
    assert f"| `{name}` | {FORMATS[name].kind} | `{FORMATS[name].mime}` |" in page("api")


def test_every_codec_that_is_read_is_listed():
    listed = page("api").partition("## What is read")[2].split()
    assert not {*decoders.VIDEO, *decoders.AUDIO} - {*listed}


@pytest.mark.parametrize(("kind", "problem"), PROBLEMS.items(), ids=lambda value: getattr(value, "__name__", ""))
def test_every_error_is_described_as_it_is(kind: type[MediaError], problem: Problem):
    retryable = "yes" if problem.retryable else "no"

    assert f"| `{kind.code}` | {problem.status} | {retryable} |" in page("errors")


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_is_described_as_it_is(name: str):
    setting = Settings.model_fields[name]
    variable = setting.validation_alias or f"PENSTOCK_{name.upper()}"

    assert f"| `{variable}` | {setting.description} |" in page("settings")
