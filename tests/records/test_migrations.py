"""The migrations create the tables of the models."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, text

from penstock.domain import errors
from penstock.domain.attempts import QueueLimits
from penstock.domain.ids import ProjectId
from penstock.domain.task import TaskError
from penstock.records import Records, migrations
from penstock.records.incoming.imports import NewImport
from penstock.records.tables import METADATA
from tests.records.rows import complete_task, video_request
from tests.service import wait_for


def test_models_and_migrations_agree(database: str):
    engine = create_engine(database.replace("postgresql:", "postgresql+psycopg:"))
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_server_default": True})
        assert compare_metadata(context, METADATA) == []
    engine.dispose()


def test_several_processes_may_migrate_at_once(new_database: Callable[[], str]):
    url = new_database()
    several = [Records(url) for _ in range(4)]
    with ThreadPoolExecutor(4) as processes:
        list(processes.map(Records.migrate, several))

    several[0].ping()
    for records in several:
        records.close()


def test_an_unreachable_database_is_reported_as_unavailable():
    away = Records("postgresql://nobody@127.0.0.1:1/nothing")

    with pytest.raises(errors.DatabaseUnavailable) as refused:
        away.ping()
    assert "127.0.0.1" not in str(refused.value)
    away.close()


def test_a_lost_connection_is_replaced(new_database: Callable[[], str]):
    url = new_database()
    records = Records(url)
    records.migrate()
    with psycopg.connect(url, autocommit=True) as operator:
        operator.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )

    records.ping()
    records.close()


def test_a_migration_may_take_longer_than_a_statement(new_database: Callable[[], str]):
    url = new_database()
    engine = create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    with psycopg.connect(url) as other, engine.begin() as connection, ThreadPoolExecutor(1) as process:
        other.execute("SELECT pg_advisory_xact_lock(hashtext('penstock migrations'))")
        connection.execute(text("SET statement_timeout = '100ms'"))
        migrated = process.submit(migrations.upgrade, connection)
        wait_for(lambda: migrated.done() or waits_for_a_while(url))
        other.rollback()

        migrated.result(60)
        assert migrations.is_current(connection)
    engine.dispose()


ENDED = "tsk_111111111111111111111111"
WAITING = "tsk_222222222222222222222222"
INPUT = "file_333333333333333333333333"
OUTPUT = "file_444444444444444444444444"
FIRST_ROWS = f"""
INSERT INTO organisations (id, name) VALUES ('org_1', 'o');
INSERT INTO projects (id, organisation_id, name, secret) VALUES ('prj_1', 'org_1', 'p', 's');
INSERT INTO keys (id, project_id, sha256) VALUES ('key_1', 'prj_1', 'abc');
INSERT INTO files (id, project_id, object, key, kind, format, type, filesize, sha256, media)
  VALUES ('{INPUT}', 'prj_1', 'file', 'files/in', 'video', 'mov', 'video/quicktime', 9, 'aa', NULL),
         ('{OUTPUT}', 'prj_1', 'source', 'files/out', 'video', 'mp4', 'video/mp4', 5, 'bb', NULL);
INSERT INTO tasks (id, project_id, fingerprint, request, file_id, kind, format, status, output_id) VALUES
  ('{ENDED}', 'prj_1', 'f1', '{{"file_id": "{INPUT}", "kind": "video", "format": "mp4"}}', '{INPUT}',
   'video', 'mp4', 'completed', '{OUTPUT}'),
  ('{WAITING}', 'prj_1', 'f2', '{{"file_id": "{INPUT}", "kind": "video", "format": "webm"}}', '{INPUT}',
   'video', 'webm', 'processing', NULL);
INSERT INTO outbox (task_id, attempt) VALUES ('{WAITING}', 1);
"""


def test_what_the_first_version_kept_is_there_after_every_upgrade(new_database: Callable[[], str]):
    records = Records(new_database())
    engine = create_engine(records.url.replace("postgresql:", "postgresql+psycopg:"))
    with engine.begin() as connection:
        migrate(connection, command.upgrade, "0001")
        connection.exec_driver_sql(FIRST_ROWS)
    for revision in [*ScriptDirectory.from_config(migrations._config()).walk_revisions()][::-1]:
        with engine.begin() as connection:
            migrate(connection, command.upgrade, revision.revision)
    records.migrate()
    project = ProjectId("prj_1")
    ended = records.tasks.get(project, ENDED)

    assert (ended.status, ended.output.id) == ("completed", OUTPUT)
    assert [due.task_id for due in records.tasks.claim_due(10)] == [WAITING]
    assert records.tasks.begin(WAITING, 1, "me", "run").status == "processing"
    assert records.files.get(project, INPUT).status == "ready"
    assert {key.id for key in records.keys.list()} == {"key_1"}
    records.close()
    engine.dispose()


def test_a_task_of_the_version_before_webhooks_ends_after_an_upgrade_and_after_a_downgrade(
    new_database: Callable[[], str],
):
    url = new_database()
    engine = create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    with engine.begin() as connection:
        migrate(connection, command.upgrade, "0010")
        connection.execute(text("INSERT INTO organisations (id, name) VALUES ('org_1', 'o')"))
        connection.execute(
            text("INSERT INTO projects (id, organisation_id, name, secret) VALUES ('prj_1', 'org_1', 'p', 's')")
        )
        made = "INSERT INTO tasks (id, project_id, fingerprint, request, kind, format) VALUES"
        for task in ("tsk_1", "tsk_2"):
            connection.execute(text(f"{made} ('{task}', 'prj_1', '{task}', '{{}}', 'image', 'png')"))
    with engine.begin() as connection:
        migrations.upgrade(connection)
        end(connection, "tsk_1")
        told = connection.execute(text("SELECT subject, type FROM event_outbox")).all()
        assert [tuple(row) for row in told] == [("tsk_1", "task.completed")]
    with engine.begin() as connection:
        migrate(connection, command.downgrade, "0011")
        end(connection, "tsk_2")
    engine.dispose()


def test_files_on_their_way_are_hidden_by_a_downgrade_and_others_stay(new_database: Callable[[], str]):
    records = Records(new_database())
    records.migrate()
    project = records.keys.new_project("p")
    ready, waiting, failed, deleted = (
        records.imports.submit(project, NewImport(f"https://example.com/{n}.mov", metadata={"n": n}), QueueLimits()).id
        for n in range(4)
    )
    engine = create_engine(records.url.replace("postgresql:", "postgresql+psycopg:"))
    with engine.begin() as connection:
        connection.execute(text("UPDATE files SET status = 'ready' WHERE id = :id"), {"id": ready})
    records.imports.fail(failed, 1, TaskError("input_timeout", "late"))
    records.files.delete(project, deleted)
    with engine.begin() as connection:
        migrate(connection, command.downgrade, "0016")
        left = connection.execute(text("SELECT id FROM files WHERE deleted IS NULL")).scalars().all()
        assert left == [ready]
    records.migrate()

    assert (records.files.get(project, ready).status, records.files.get(project, ready).metadata) == ("ready", None)
    again = records.imports.submit(project, NewImport("https://example.com/1.mov", metadata={"n": 1}), QueueLimits())
    assert (again.id not in (waiting, failed, deleted), again.status) == (True, "processing")
    records.close()
    engine.dispose()


def migrate(connection: Connection, how: Callable[[Config, str], None], revision: str):
    config = migrations._config()
    config.attributes["connection"] = connection
    how(config, revision)


def end(connection: Connection, task_id: str):
    connection.execute(text("UPDATE tasks SET status = 'completed' WHERE id = :id"), {"id": task_id})


def waits_for_a_while(url: str) -> bool:
    with psycopg.connect(url) as watcher:
        waiting = "wait_event_type = 'Lock' AND clock_timestamp() - query_start > interval '0.3 s'"
        found = watcher.execute(f"SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND {waiting}")
        return found.fetchone() is not None


def test_attempts_of_the_previous_version_are_submitted(records: Records, project: ProjectId):
    first = records.tasks.submit(project, video_request())
    with psycopg.connect(records.url) as before:
        before.execute("DELETE FROM outbox WHERE task_id = %s", [first.id])
        before.execute("INSERT INTO outbox (task_id, attempt) VALUES (%s, 1)", [first.id])
        before.execute(
            """
            WITH made AS (
                INSERT INTO tasks (id, project_id, fingerprint, request, kind, format)
                SELECT 'tsk_of_before', project_id, 'another', request, 'image', 'png' FROM tasks WHERE id = %s
                RETURNING *
            ), submitted AS (INSERT INTO outbox (task_id, attempt) SELECT id, attempt FROM made)
            SELECT id FROM made
            """,
            [first.id],
        )

    due = {one.task_id for one in records.tasks.claim_due(10_000)}
    assert {first.id, "tsk_of_before"} <= due


def test_the_previous_version_can_insert_receipts(records: Records, project: ProjectId):
    done = complete_task(records, records.tasks.submit(project, video_request()))
    assert done.output is not None
    with psycopg.connect(records.url) as before:
        row = [done.output.id, done.id]
        before.execute(
            "INSERT INTO receipts (file_id, task_id, attempt, family, body) VALUES (%s, %s, 1, 'f', '{}')", row
        )

    assert records.receipts.cost_history(project, "f").tasks == 0
