"""What `penstock up` prints once the service is ready."""

import os
import sys

import pytest

from penstock.host.home import Home
from penstock.local_service import RunningService
from penstock.supervisor.addresses import print_addresses

KEY, PASSWORD = "the-key", "penstock:the-password"
SERVICE = RunningService(
    api_url="http://127.0.0.1:8000",
    prefect_api_url="http://127.0.0.1:4200/api",
    prefect_ui_url="http://127.0.0.1:4200",
    database_url="postgresql://127.0.0.1/penstock",
    process=os.getpid(),
    api_key=KEY,
    prefect_auth=PASSWORD,
    batch_roots="",
)


def print_on_terminal(monkeypatch, home, generated):
    ours, theirs = os.openpty()
    with os.fdopen(theirs, "w") as terminal, monkeypatch.context() as patched:
        patched.setattr(sys, "stdout", terminal)
        print_addresses(SERVICE, home, generated=generated, page="on")
        printed = ""
        while "Ctrl-C" not in printed:  # a terminal passes on what was written bit by bit
            printed += os.read(ours, 10_000).decode()
    os.close(ours)
    return printed


def test_generated_secrets_are_printed_on_a_terminal_once(monkeypatch, tmp_path):
    first, second = (print_on_terminal(monkeypatch, Home.at(tmp_path), ("key", "password")) for _ in range(2))
    assert KEY in first
    assert PASSWORD in first
    assert "the-" not in second
    assert "as `penstock env` prints it, after PENSTOCK_API_KEY=" in second


@pytest.mark.parametrize("chosen", ["key", "password"])
def test_a_secret_that_somebody_has_chosen_is_not_printed(monkeypatch, tmp_path, chosen):
    generated = tuple({"key", "password"} - {chosen})
    printed = print_on_terminal(monkeypatch, Home.at(tmp_path), generated)
    assert {"key": KEY, "password": PASSWORD}[chosen] not in printed


def test_no_secret_is_printed_where_the_output_may_be_a_log(monkeypatch, tmp_path, capsys):
    print_addresses(SERVICE, Home.at(tmp_path), generated=("key", "password"), page="on")
    printed = capsys.readouterr().out
    assert "the-" not in printed
    assert "as `penstock env` prints it, after PREFECT_API_AUTH_STRING=" in printed

    assert KEY in print_on_terminal(monkeypatch, Home.at(tmp_path), ("key",))


@pytest.mark.parametrize(("page", "shown"), [("on", True), ("off", False)])
def test_the_address_of_the_page_is_printed_unless_it_is_off(tmp_path, capsys, page, shown):
    print_addresses(SERVICE, Home.at(tmp_path), generated=(), page=page)
    assert ("Page        http://127.0.0.1:8000/\n" in capsys.readouterr().out) is shown
