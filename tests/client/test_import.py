"""The client needs little: what importing it loads, and what type checkers see of it from outside."""

import subprocess
import sys
from dataclasses import fields

import pytest

from penstock.client import batch_models, models, plan_models
from penstock.views.batches import BatchItemView, BatchPlanView, BatchView, CountsView
from penstock.views.plans import PlanView
from penstock.views.receipts import SignedReceiptView
from penstock.views.tasks import ErrorView, FileView, RunView, TaskView

OF_THE_SERVICE = (
    "prefect",
    "pydantic",
    "fastapi",
    "sqlalchemy",
    "av",
    "PIL",
    "pyvips",
    "ffmpeg",
    "fsspec",
    "click",
    "rich",
)
SHOWN = {
    TaskView: models.Task,
    FileView: models.File,
    ErrorView: models.TaskError,
    RunView: models.Run,
    PlanView: plan_models.Plan,
    SignedReceiptView: models.Receipt,
    BatchView: batch_models.Batch,
    CountsView: batch_models.BatchCounts,
    BatchItemView: batch_models.BatchItem,
    BatchPlanView: batch_models.BatchPlan,
}


def loaded_by(program):
    command = [sys.executable, "-c", f"import sys; {program}; print(*sys.modules)"]
    told = subprocess.run(command, check=True, capture_output=True, text=True)
    return set(told.stdout.split())


def test_importing_the_package_loads_nothing_else():
    assert {name for name in loaded_by("import penstock") if name.startswith("penstock")} == {
        "penstock",
        "penstock._version",
    }


def test_importing_the_client_loads_nothing_of_the_service():
    loaded = loaded_by("from penstock import convert, aconvert, Client, AsyncClient")

    assert loaded.isdisjoint(OF_THE_SERVICE)
    assert {name.split(".")[1] for name in loaded if name.startswith("penstock.")} <= {
        "_version",
        *("client", "domain", "errors", "local_service", "output_file"),
    }


@pytest.mark.parametrize(("view", "model"), SHOWN.items(), ids=lambda one: one.__name__)
def test_every_field_of_an_answer_is_in_its_model(view, model):
    """`object` says which model it is."""
    shown = set(view.model_fields) - ({"object"} if model is not models.File else set())
    assert shown <= {field.name for field in fields(model)}
