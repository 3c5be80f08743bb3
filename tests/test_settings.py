"""Settings are checked before anything starts: each error is a sentence, and accepted values work."""

import os
import re

import pytest
from click.testing import CliRunner
from sqlalchemy import make_url

from penstock.cli.main import COMMANDS, cli
from penstock.domain.errors import InvalidSettings
from penstock.domain.web_addresses import parse_allowed
from penstock.orchestration.prefect_server import prefect_database_url
from penstock.sandbox.jail import Kernel
from penstock.settings import Settings, read_settings, variable_of
from penstock.settings.fetching import fetch_policy_of
from penstock.settings.jail_mode import read_jail_mode
from penstock.settings.limits import limits_of
from penstock.storage.object_store import ObjectStore

NUMBERS = ("0", "-1", "-0", "1.5", "1e3", "1e400", "nan", "inf", "-inf", "9" * 5000, "0x10", "１", "1_0", " 7 ")
TEXTS = ("true", "null", "auto", "off", "require", "on", "me:secret", "é", "🎬", "\u202e", "a\nb", "\x7f", "a" * 10_000)
SIGNS = (" ", "\t", "%", "%s {}", "'", '"', "\\", "$HOME", "`id`", "[]", "{}", ",", ":", "~", "~nobody-here/x")
PATHS = (".", "/", "//", "../../x", "/etc/passwd", "/etc/passwd/x", "/" + "a" * 300)
DATABASES = (
    *("mysql://x", "sqlite:///x", "postgresql://", "postgres://h/d", "host=a dbname=b", "postgresql://u:p@[::1]:5/d"),
    *(
        "postgresql://h:x/d",
        "postgresql://h:0/d",
        "postgresql://h:99999/d",
        "postgresql://[::1/d",
        "postgresql://%00/d",
    ),
    *("postgresql://h/d?foo=1", "postgresql://a b/c", "postgresql://h1,h2/d", "postgresql://h1:1,h2:2/d"),
    *("postgresql://h/%zz", "postgresql://h/d?host=a&host=b", "postgresql://h/d?port=x", "postgresql://h//d"),
)
STORES = (
    *("file://", "file:///", "file://data/out", "file:///etc/passwd", "file:///%00", "FILE:///tmp"),
    *("s3://", "s3:///x", "s3://bucket", "s3://a b/c", "S3://b", "s3://b?x#y"),
)
WEB = (
    *("http://", "http://[", "http://[::1]:80/api", "http://h:x", "http://h:99999", "http://h/?q", "https://u:p@h"),
    *("ftp://h", "media.lan", "media.lan:80", "http://media.lan", "http://é.example"),
)
NETWORKS = (
    *("10.0.0.1/8", "10.0.0.0/8", "10.0.0.0/99", "nonsense!", "nonsense!:80", "h:80,", "h:0", "h:99999", "[::1]:80"),
    *("::/0", "a@b:1", "[::1", "é:80", "." * 300 + ":80"),
)
PAIRS = ("mov:mp3", "mov:mp4", "mov", "mov:mp3,x", "mov:mp3,mov:mp3")
ODD = (*NUMBERS, *TEXTS, *SIGNS, *PATHS, *DATABASES, *STORES, *WEB, *NETWORKS, *PAIRS)
SECRET = re.compile("DATABASE_URL|API_KEY|AUTH_STRING")


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch, tmp_path):
    for name in os.environ:
        if name.startswith(("PENSTOCK_", "PREFECT_")):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("name", Settings.model_fields)
def test_any_value_is_valid_or_refused_with_a_message(monkeypatch, name):
    variable, number = variable_of(name), isinstance(Settings.model_fields[name].default, int | float)
    for value in NUMBERS + SIGNS[:3] if number else ODD:
        monkeypatch.setenv(variable, value)
        try:
            use(read_settings())
        except InvalidSettings as refused:
            [fault] = refused.messages
            assert re.fullmatch(rf"{variable} (must|cannot) .{{5,400}}\.", fault), (value, fault)
            assert not (SECRET.search(variable) and len(value) > 6 and value in fault), (value, fault)


def use(settings):
    """What is derived from the settings at the start."""
    _ = settings.root, settings.scratch, settings.allowed_pairs, settings.threads_per_encoder
    _ = limits_of(settings), fetch_policy_of(settings), parse_allowed(settings.fetch_allow)
    if settings.database_url:
        make_url(settings.database_url)
        make_url(prefect_database_url(settings.database_url))
    if settings.storage.startswith("file:"):
        ObjectStore.at(settings.storage)


@pytest.mark.parametrize(
    ("variable", "value", "fault"),
    [
        ("PENSTOCK_TRANSCODE_SLOTS", "0", "PENSTOCK_TRANSCODE_SLOTS must be at least 1, not 0."),
        ("PENSTOCK_LEASE_SECONDS", "soon", "PENSTOCK_LEASE_SECONDS must be a number, not soon."),
        ("PENSTOCK_LINKS", "both", "PENSTOCK_LINKS must be 'api' or 'redirect', not both."),
        (
            "PENSTOCK_DATABASE_URL",
            "mysql://u:secret@h/d",
            "PENSTOCK_DATABASE_URL must be the URL of a PostgreSQL database: postgresql://user:password@host/database.",
        ),
        (
            "PENSTOCK_STORAGE_URL",
            "/data/out",
            "PENSTOCK_STORAGE_URL must be file:///folder or s3://bucket/prefix; for that folder write file:///data/out.",
        ),
        (
            "PENSTOCK_FETCH_ALLOW",
            "10.0.0.1/8",
            "PENSTOCK_FETCH_ALLOW must name a network by its first address: 10.0.0.0/8, not 10.0.0.1/8.",
        ),
        (
            "PENSTOCK_FETCH_ALLOW",
            "no!",
            "PENSTOCK_FETCH_ALLOW must be host:port or a network like 10.0.0.0/8, separated by commas: not no!.",
        ),
        ("PENSTOCK_JAIL", "none", "PENSTOCK_JAIL must be 'auto', 'require' or 'off', not none."),
        ("PENSTOCK_FFMPEG", "/no/ffmpeg", "PENSTOCK_FFMPEG must be a program: there is no file /no/ffmpeg."),
        ("PENSTOCK_HOME", "/etc/passwd/home", "PENSTOCK_HOME must be a folder: /etc/passwd is a file."),
        (
            "PENSTOCK_TRANSCODE_SLOT",
            "2",
            "PENSTOCK_TRANSCODE_SLOT is not a setting; did you mean PENSTOCK_TRANSCODE_SLOTS?",
        ),
        ("PENSTOCK_NOTHING_LIKE", "1", "PENSTOCK_NOTHING_LIKE is not a setting; docs/settings.md lists all."),
        (
            "PENSTOCK_BATCH_ROOTS",
            "data/in",
            "PENSTOCK_BATCH_ROOTS must be comma-separated folders and prefixes, like /data, s3://bucket, not data/in.",
        ),
        (
            "PENSTOCK_TRANSCODE_MAX_SECONDS",
            "5",
            "PENSTOCK_TRANSCODE_MAX_SECONDS must be at least PENSTOCK_TRANSCODE_MIN_SECONDS, which is 120.",
        ),
    ],
)
def test_an_error_names_the_setting_and_the_expected_value(monkeypatch, variable, value, fault):
    monkeypatch.setenv(variable, value)
    with pytest.raises(InvalidSettings) as refused:
        read_settings()
    assert refused.value.messages == (fault,)


def test_the_jail_can_be_required_only_where_the_kernel_has_all_of_it(monkeypatch):
    kernels = iter((Kernel("x86_64", 7, filters=True), Kernel("x86_64", 0, filters=True)))
    monkeypatch.setattr("penstock.sandbox.jail.this_kernel", lambda: next(kernels))
    monkeypatch.setenv("PENSTOCK_JAIL", "require")

    assert read_settings().jail == "require"
    with pytest.raises(InvalidSettings, match=r"^PENSTOCK_JAIL cannot be require: this machine lacks Landlock"):
        read_settings()


@pytest.mark.parametrize("mode", ["auto", "require", "off"])
def test_the_jail_is_read_alone_as_with_all_settings(monkeypatch, mode):
    monkeypatch.setattr("penstock.sandbox.jail.this_kernel", lambda: Kernel("x86_64", 7, filters=True))
    monkeypatch.setenv("PENSTOCK_JAIL", mode)
    assert read_jail_mode() == read_settings().jail == mode


@pytest.mark.parametrize("command", sorted(COMMANDS.keys() - {"docs", "formats"}))  # which read none, and one
def test_every_command_reports_every_invalid_setting_first(monkeypatch, tmp_path, command):
    (tmp_path / ".env").write_text("PENSTOCK_ATTEMPT=3\n")
    (tmp_path / "in.mp4").write_bytes(b"")
    monkeypatch.setenv("PENSTOCK_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PENSTOCK_STORAGE_URL", "ftp://x")
    monkeypatch.setenv("PENSTOCK_WORKER_SLOTS", "none")
    said = CliRunner().invoke(cli, [command, *WORDS.get(command, ())])

    faulty = [line.split()[1] for line in said.stderr.splitlines() if line.startswith("Error: PENSTOCK_")]
    assert faulty == ["PENSTOCK_ATTEMPT", "PENSTOCK_STORAGE_URL", "PENSTOCK_WORKER_SLOTS"]
    assert (said.exit_code, (tmp_path / "home").exists()) == (2, False)


def test_formats_reports_its_one_invalid_setting(monkeypatch):
    monkeypatch.setenv("PENSTOCK_ALLOW_PAIRS", "mov:gif")
    said = CliRunner().invoke(cli, ["formats"])
    expected = "Error: PENSTOCK_ALLOW_PAIRS must be comma-separated pairs out of mov:mp3, not mov:gif.\n"
    assert (said.exit_code, said.stderr) == (2, expected)


WORDS = {
    "webhooks": ("listen",),
    "convert": ("in.mp4", "out.mp4"),
    "plan": ("in.mp4", "out.mp4"),
    "batch": (".", "out", "--format", "webp"),
    "schedule": ("list",),
    "keys": ("list",),
    "quarantine": ("list",),
    "cancel": ("tsk_abcdefghijklmnop",),
}


def test_an_empty_variable_is_unset_and_overrides_the_file(monkeypatch, tmp_path):
    (tmp_path / ".env").write_text("PENSTOCK_ATTEMPTS=7\nPENSTOCK_DATABASE_URL=postgresql://h/d\n")
    monkeypatch.setenv("PENSTOCK_DATABASE_URL", "")
    assert (read_settings().attempts, read_settings().database_url) == (7, None)


def test_an_unreadable_env_file_is_reported(tmp_path):
    (tmp_path / ".env").write_bytes(b"PENSTOCK_HOME=\xff\xfe")
    with pytest.raises(InvalidSettings, match=r"The file .env cannot be read"):
        read_settings()


def test_variables_of_kubernetes_are_no_misspelt_settings(monkeypatch):
    monkeypatch.setenv("PENSTOCK_SERVICE_HOST", "10.0.0.1")
    monkeypatch.setenv("PENSTOCK_API_SERVICE_PORT_HTTP", "8000")
    monkeypatch.setenv("PENSTOCK_PORT", "tcp://10.0.0.1:8000")
    monkeypatch.setenv("PENSTOCK_PORT_8000_TCP_ADDR", "10.0.0.1")
    assert read_settings().attempts == 3


def test_the_two_names_of_one_secret_agree(monkeypatch):
    monkeypatch.setenv("PREFECT_API_AUTH_STRING", "me:one")
    monkeypatch.setenv("PREFECT_SERVER_API_AUTH_STRING", "me:two")
    with pytest.raises(InvalidSettings, match="PREFECT_SERVER_API_AUTH_STRING must be the same as") as refused:
        read_settings()
    assert "me:" not in str(refused.value)


def test_the_representation_of_the_settings_shows_no_secret():
    secrets = {"api_key": "psk_" + "k" * 40, "database_url": "postgresql://user:pass-word@host/records"}
    auth = {"PREFECT_API_AUTH_STRING": "user:prefect-word", "PREFECT_SERVER_API_AUTH_STRING": "user:prefect-word"}
    shown = repr(Settings(**secrets, **auth))
    assert not [secret for secret in (*secrets.values(), *auth.values()) if secret in shown]


def test_a_home_of_another_user_is_refused_before_anything_is_done_in_it(tmp_path, monkeypatch):
    user = os.getuid()
    monkeypatch.setattr(os, "getuid", lambda: user + 1)
    assert read_settings(tmp_path).root == tmp_path, "root may use all"
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(InvalidSettings, match="belongs to another user"):
        read_settings(tmp_path)
