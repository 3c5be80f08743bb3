# What a developer types. `just check` is all that CI does.

check: lint types imports proportions test

lint:
    uv run ruff check
    uv run ruff format --check

types:
    uv run mypy

imports:
    uv run lint-imports

# lengths of functions and files, modules of a folder, complexity
proportions:
    uv run python -m tests.proportions

test:
    uv run pytest

# the tests that need no service and no encoder
quick:
    uv run pytest -m "not service and not media and not corpus"
