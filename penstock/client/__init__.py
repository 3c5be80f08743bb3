"""The typed client of the service. It needs nothing of the service itself."""

from penstock.client.batch_models import Batch, BatchCounts, BatchItem, BatchPlan
from penstock.client.clients import AsyncClient, Client
from penstock.client.models import (
    CompletedTask,
    File,
    FileFacts,
    Receipt,
    Run,
    Signature,
    StoredFile,
    Task,
    TaskError,
)
from penstock.client.one_call import aconvert, convert
from penstock.client.plan_models import Plan
from penstock.client.requests import ConversionOptions, RequestFields

__all__ = [
    "AsyncClient",
    "Batch",
    "BatchCounts",
    "BatchItem",
    "BatchPlan",
    "Client",
    "CompletedTask",
    "ConversionOptions",
    "File",
    "FileFacts",
    "Plan",
    "Receipt",
    "RequestFields",
    "Run",
    "Signature",
    "StoredFile",
    "Task",
    "TaskError",
    "aconvert",
    "convert",
]
