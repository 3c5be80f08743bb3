"""Plans a conversion in this process, without a service: what `plan` prints, and what `convert` checks before it starts
one. `plan` calls it when the child process for its input is starting already, so that both load side by side."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from penstock.cli.conversions.local_check import PLACEHOLDER, probing_tools
from penstock.conversion.dry_run import plan_dry_run
from penstock.conversion.local_probe import Probed, probe_file
from penstock.domain.errors import DatabaseUnavailable, NotFound
from penstock.domain.planning.cost import CostHistory
from penstock.domain.request import parse_request
from penstock.engines.tools import Tools, sandbox_pool
from penstock.local_service import running_service
from penstock.sandbox.pool import SandboxPool
from penstock.settings import Settings
from penstock.views.plans import PlanView


def plan_file(settings: Settings, path: Path, body: dict[str, Any], pool: SandboxPool) -> PlanView:
    """The plan for a file of this disk. Raises the error that its task would fail with."""
    tools = probing_tools(settings, pool)
    return _view(settings, body | {"url": PLACEHOLDER}, tools, lambda: probe_file(path, tools))


def plan_url(settings: Settings, url: str, body: dict[str, Any]) -> PlanView:
    """The plan for an http(s) URL, of which it reads no more than that needs. Raises the same."""
    from penstock.conversion.input_prober import InputProber  # noqa: PLC0415 - 0.2 s, and a file needs none
    from penstock.settings.fetching import fetch_policy_of  # noqa: PLC0415

    with sandbox_pool(settings.jail) as pool:
        tools = probing_tools(settings, pool)
        prober = InputProber.from_settings(settings, tools, fetch_policy_of(settings))
        return _view(settings, body | {"url": url}, tools, lambda: prober.probe_url(url))


def _view(settings: Settings, body: dict[str, Any], tools: Tools, probe: Callable[[], Probed]) -> PlanView:
    request = parse_request(body)
    history = partial(_cost_history, settings)
    return plan_dry_run(request, probe(), tools, settings.allowed_pairs, history).view


def _cost_history(settings: Settings, cost_class: str) -> CostHistory:
    """The cost history of the default project; an empty one if no database can be reached."""
    running = running_service(settings.root)
    url = settings.database_url or (running and running.database_url)
    if not url:
        return CostHistory(0)
    from penstock.cli.local.records import opened_records  # noqa: PLC0415 - SQLAlchemy takes 0.5 s

    try:
        with opened_records(url) as records:
            return records.receipts.cost_history(records.keys.default_project(), cost_class)
    except (DatabaseUnavailable, NotFound):
        return CostHistory(0)
