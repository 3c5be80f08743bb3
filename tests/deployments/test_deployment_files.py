"""The files for Docker, Kubernetes and systemd pass their own linters, and name our commands and settings."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
import yaml
from prefect.settings import Settings as PrefectSettings
from prefect.settings.legacy import _get_valid_setting_names

from penstock.cli.main import cli
from penstock.orchestration.prefect_server import CLIENT_DEFAULTS, SERVER_DEFAULTS
from penstock.settings import Settings

FOLDER = Path(__file__).parents[2] / "deployments"
COMPOSE = yaml.safe_load((FOLDER / "docker" / "compose.yaml").read_text())
UNIT = (FOLDER / "systemd" / "penstock.service").read_text()
OURS = {setting.validation_alias or f"PENSTOCK_{name.upper()}" for name, setting in Settings.model_fields.items()}


def documents() -> list[dict[str, Any]]:
    """Everything that `kubectl apply -k` creates, without what it generates."""
    kept = yaml.safe_load((FOLDER / "kubernetes" / "kustomization.yaml").read_text())["resources"]
    return [each for name in kept for each in yaml.safe_load_all((FOLDER / "kubernetes" / name).read_text())]


def containers() -> list[dict[str, Any]]:
    pods = [each["spec"]["template"]["spec"] for each in documents() if each["kind"] == "Deployment"]
    return [container for pod in pods for container in pod["containers"]]


def commands() -> Iterator[list[str]]:
    """What our image is started with, anywhere."""
    for service in COMPOSE["services"].values():
        if service["image"].startswith("${PENSTOCK_IMAGE"):
            yield [*service.get("entrypoint", ["penstock"]), *service["command"]]
    yield from (container["command"] for container in containers())
    yield shlex.split(re.findall(r"^ExecStart=/opt/penstock/bin/(.+)$", UNIT, re.MULTILINE)[0])
    image = (FOLDER / "docker" / "Dockerfile").read_text()
    yield ["penstock", *re.findall(r'"([^"]+)"', image.partition("\nCMD ")[2])]


def variables() -> set[str]:
    """The names of all variables that are set for a part."""
    files = [path.read_text() for path in sorted((FOLDER / "kubernetes").glob("*.env*"))]
    named = {name for text in files for name in re.findall(r"^(\w+)=", text, re.MULTILINE)}
    named |= {name for service in COMPOSE["services"].values() for name in service.get("environment", {})}
    named |= {each["name"] for container in containers() for each in container.get("env", ())}
    return named | set(re.findall(r"^Environment=(\w+)=", UNIT, re.MULTILINE))


def test_the_dockerfile_is_clean():
    lint(["hadolint", FOLDER / "docker" / "Dockerfile"])


def test_the_compose_file_follows_the_specification():
    lint(["check-jsonschema", "--builtin-schema", "vendor.compose-spec", FOLDER / "docker" / "compose.yaml"])


def test_the_kubernetes_objects_are_valid(tmp_path: Path):
    (tmp_path / "all.yaml").write_text(yaml.safe_dump_all(documents()))
    lint(["kubernetes-validate", "--strict", tmp_path / "all.yaml"])


def test_kubectl_builds_what_the_kustomization_names(tmp_path: Path):
    if shutil.which("kubectl") is None:
        pytest.skip("kubectl is not installed: the kustomization is not built")
    place = tmp_path / "kubernetes"
    shutil.copytree(FOLDER / "kubernetes", place)
    (place / "secrets.env.example").rename(place / "secrets.env")
    built = subprocess.run(["kubectl", "kustomize", place], capture_output=True, text=True, check=True)
    assert {each["kind"] for each in yaml.safe_load_all(built.stdout)} > {"ConfigMap", "Secret", "Deployment"}


def test_systemd_accepts_the_unit(tmp_path: Path):
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd is not installed: the unit is not verified")
    unit = tmp_path / "penstock.service"
    unit.write_text(UNIT.replace("/opt/penstock/bin/penstock", sys.executable))
    lint(["systemd-analyze", "verify", unit])


@pytest.mark.parametrize("command", [*commands()], ids=" ".join)
def test_every_command_is_one(command: list[str]):
    if command[0] == "prefect":
        assert command[1:] == ["server", "start", "--host", "0.0.0.0"]
        return
    name, *options = command[1:]
    found = cli.get_command(click.Context(cli), name)
    assert command[0] == "penstock"
    assert found is not None
    found.make_context(name, options)


def test_every_variable_is_a_setting():
    ours = {name for name in variables() if name.startswith("PENSTOCK_")}
    prefects = {name for name in variables() if name.startswith("PREFECT_")}

    assert ours - OURS == set()
    assert prefects - _get_valid_setting_names(PrefectSettings) == set()


@pytest.mark.parametrize(("name", "ours"), [("prefect-server", SERVER_DEFAULTS), ("prefect-client", CLIENT_DEFAULTS)])
def test_prefect_is_set_as_penstock_up_does(name: str, ours: dict[str, str]):
    told = dict(line.split("=", 1) for line in (FOLDER / "kubernetes" / f"{name}.env").read_text().split())
    assert ours.items() <= told.items()


def test_a_worker_is_given_the_time_that_a_drain_takes():
    drain = Settings.model_fields["drain_seconds"].default + 15
    (kubernetes,) = (each for each in documents() if each["metadata"]["name"] == "worker")
    times = (
        kubernetes["spec"]["template"]["spec"]["terminationGracePeriodSeconds"],
        int(COMPOSE["services"]["worker"]["stop_grace_period"].removesuffix("s")),
        int(re.findall(r"^TimeoutStopSec=(\d+)", UNIT, re.MULTILINE)[0]),
    )
    assert min(times) > drain


def test_every_container_runs_as_a_user_with_probes_and_limits():
    pods = [each["spec"]["template"]["spec"] for each in documents() if each["kind"] == "Deployment"]

    assert all(pod["securityContext"]["runAsNonRoot"] for pod in pods)
    assert all({"startupProbe", "readinessProbe"} <= container.keys() for container in containers())
    assert all({"requests", "limits"} <= container["resources"].keys() for container in containers())


def lint(command: list[str | Path]) -> None:
    """Run a linter of this environment. What it says is the failure."""
    tool = shutil.which(str(command[0]), path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    assert tool is not None, f"{command[0]} is not installed"
    said = subprocess.run([tool, *command[1:]], capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stdout + said.stderr
