"""Pages that stand elsewhere: of the repository's root, and of the code.

MkDocs calls `on_files` and `on_page_markdown` (https://www.mkdocs.org/user-guide/configuration/#hooks)."""

import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from fastapi import FastAPI
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page
from openapidocs.mk.v3 import OpenAPIV3DocumentationHandler

import penstock
from penstock.api import create_app
from penstock.services import open_services
from penstock.settings import Settings

ROOT = Path(__file__).parents[2]
OF_THE_ROOT = {
    "architecture.md": "ARCHITECTURE.md",
    "security.md": "SECURITY.md",
    "changelog.md": "CHANGELOG.md",
    "contributing.md": "CONTRIBUTING.md",
}
# In these pages links start at the root of the repository.
LINK = re.compile(r"\]\(docs/")
EXAMPLES = Path(penstock.__file__).parent / "deployments" / "examples"
EXAMPLE_LINK = re.compile(r"\]\(\.\./deployments/examples/(\w+)\.py\)")
# The document describes the app. Neither the database nor Prefect is asked.
NO_DATABASE = "postgresql://127.0.0.1:1/none"
OPENAPI_HEAD = """\
# HTTP API, every field

Made from the OpenAPI document that a service has at `/openapi.json`. At its `/docs` the requests can be tried out.
"""


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages of the root, with links that fit their new place, the examples, and the page of the API."""
    for name, source in OF_THE_ROOT.items():
        files.append(File.generated(config, name, content=from_the_root((ROOT / source).read_text())))
    for example in EXAMPLES.glob("*.py"):
        page = f"# {example.name}\n\n```python\n{example.read_text()}```\n"
        files.append(File.generated(config, f"examples/{example.stem}.md", content=page))
    files.append(File.generated(config, "openapi.md", content=openapi_page()))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:  # noqa: ARG001 - MkDocs names them
    """Lead links to an example and to a page of the root to the pages of the site."""
    for name, source in OF_THE_ROOT.items():
        markdown = markdown.replace(f"](../{source}", f"]({name}")
    return EXAMPLE_LINK.sub(r"](examples/\1.md)", markdown)


def from_the_root(markdown: str) -> str:
    """The page of the root with links that fit its place on the site."""
    for name, source in OF_THE_ROOT.items():
        markdown = markdown.replace(f"]({source}", f"]({name}")
    return LINK.sub("](", markdown)


def openapi_page() -> str:
    """Markdown of the OpenAPI document."""
    with described_app() as app:
        document = app.openapi()
    written = str(OpenAPIV3DocumentationHandler(document, style="MKDOCS").write())
    return OPENAPI_HEAD + written.partition("<hr />")[2]


@contextmanager
def described_app() -> Iterator[FastAPI]:
    """The app with the default settings."""
    with tempfile.TemporaryDirectory() as home:
        settings = Settings(home=Path(home), database_url=NO_DATABASE)
        with open_services(settings) as services:
            yield create_app(services, cast(Any, None))
