# What a developer types. `just check` is all that CI does.

check: lint types imports proportions test prefect-ends

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

# the tests that need Prefect and no server of it, with the ends of its ranges that the lock file does not have
prefect-ends:
    #!/usr/bin/env bash
    set -euo pipefail
    end() {
        with=(uv run -q --with "prefect==$1")
        present="from importlib.metadata import version; assert version('prefect') == '$1'"
        if said=$("${with[@]}" python -c "$present" 2>&1); then
            echo "Prefect $1"
            "${with[@]}" pytest -q -n 0 --durations 0 --durations-min 9 -p no:cacheprovider "${@:2}"
        elif [[ $said =~ "Failed to fetch"|"network was disabled" ]]; then
            echo "Prefect $1 cannot be downloaded: this end of its range is not tested"
        else
            echo "$said"
            return 1
        fi
    }
    end 3.9.1 tests/automation/test_prefect_tasks.py tests/flows tests/deployments tests/tasks/test_policy.py \
        tests/orchestration/worker tests/orchestration/test_{run_states,flow_runs,flow_run_options,prefect_health,prefect_events}.py
    end 3.8.0 tests/automation/test_prefect_tasks.py

# the service with the newest Prefect of its range, and the tasks of `penstock.prefect` with both ends of theirs
prefect-range:
    uv run --with prefect==3.9.1 pytest -n 0 tests/fundamentals/test_prefect.py tests/fundamentals/test_deployments.py
    for version in 3.8.0 3.9.1; do \
        uv venv --quiet --clear .prefect-range && \
        uv pip install --quiet --python .prefect-range/bin/python '.[prefect]' "prefect==$version" && \
        FOREIGN_PYTHON="$PWD/.prefect-range/bin/python" uv run pytest tests/automation/test_calling.py -n 0 -k "foreign or folder" || exit 1; \
    done; rm -r .prefect-range

# the documentation site, strictly: a link that leads nowhere is an error
docs:
    uv run mkdocs build --strict

# the tests that need no service and no encoder
quick:
    uv run pytest -m "not service and not media and not corpus"
