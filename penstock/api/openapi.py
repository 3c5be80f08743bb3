"""The OpenAPI document: FastAPI's, with the API key and examples added."""

import re
from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI

from penstock.api import examples
from penstock.api.auth import PUBLIC_PATH

METHODS = ("get", "post", "put", "patch", "delete", "head")
_MODEL = re.compile(r"(?P<envelope>Envelope|ListEnvelope)_(?P<data>\w+?)_$")
_IDS = {
    "task_id": examples.TASK,
    "file_id": examples.FILE,
    "batch_id": examples.BATCH,
    "webhook_id": examples.WEBHOOK,
    "delivery_id": examples.DELIVERY,
}
KEY = {"type": "http", "scheme": "bearer", "description": "An API key: `penstock keys create` makes one."}


class DescribedApp(FastAPI):
    """An app whose OpenAPI document has the API key and examples."""

    def openapi(self) -> dict[str, Any]:
        if self.openapi_schema is None:
            _complete(super().openapi())
        return self.openapi_schema or {}


def _complete(schema: dict[str, Any]) -> None:
    schema["components"]["securitySchemes"] = {"key": KEY}
    schema["security"] = [{"key": []}]
    for path, method, operation in operations(schema):
        if PUBLIC_PATH.fullmatch(path):
            operation["security"] = []
        for parameter in operation.get("parameters", ()):
            if parameter["name"] in _IDS:
                parameter["example"] = _IDS[parameter["name"]]
        for status, response in operation["responses"].items():
            for content in response.get("content", {}).values():
                if example := _example(method.upper(), _filled(path), status, content):
                    content["example"] = example


def operations(schema: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Path, method and description of each operation."""
    for path, methods in schema["paths"].items():
        yield from ((path, method, methods[method]) for method in METHODS if method in methods)


def _example(method: str, path: str, status: str, content: dict[str, Any]) -> dict[str, Any] | None:
    model = content.get("schema", {}).get("$ref", "").rpartition("/")[2]
    if status == "default" and model == "ErrorEnvelope":
        return examples.error_example(method, path)
    found = _MODEL.match(model)
    data = examples.DATA.get(found["data"]) if found else None
    if found is None or data is None:
        return None
    return (
        examples.list_example(path, data)
        if found["envelope"] == "ListEnvelope"
        else examples.object_example(method, path, data)
    )


def _filled(path: str) -> str:
    return re.sub(r"{(\w+)}", lambda name: _IDS[name[1]], path)
