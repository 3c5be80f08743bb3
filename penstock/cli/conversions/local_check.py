"""Refuses an impossible conversion of a local file before a service is started for it."""

from penstock.cli.conversions.command_line import CommandLine
from penstock.conversion.local_probe import probe_file
from penstock.domain.planning.planner import plan_for
from penstock.domain.request import parse_request
from penstock.engines.probe_pool import probe_pool
from penstock.engines.tools import Tools
from penstock.sandbox.pool import SandboxPool
from penstock.settings import Settings
from penstock.settings.limits import UNUSED_FFMPEG, limits_of

# The request needs an input; a local file has no URL.
PLACEHOLDER = "input"


def require_convertible(settings: Settings, given: CommandLine, started: SandboxPool | None = None) -> None:
    """Raises the error that a service with these settings refuses the conversion with. Of a URL nothing is read: it may
    work only once, and the service checks it as it downloads. `started`: a pool that has loaded what probes the file;
    it is closed."""
    if given.path is None:
        return
    with started or probe_pool(given.path, settings.jail) as pool:
        tools = probing_tools(settings, pool)
        probed = probe_file(given.path, tools)
        request = parse_request(given.request | {"url": PLACEHOLDER})
        plan_for(request, probed.media, tools.limits, settings.allowed_pairs)


def probing_tools(settings: Settings, pool: SandboxPool) -> Tools:
    """Tools that probe and plan, and convert nothing."""
    return Tools(pool, UNUSED_FFMPEG, limits_of(settings), settings.threads_per_encoder)
