"""The tables of webhooks and their deliveries. A trigger (migration 0011) inserts the deliveries."""

from sqlalchemy import Column, ForeignKey, Index, Integer, String, Table, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from penstock.records.tables import METADATA, time_column, time_now_column

# Receivers: endpoints of a project (`subject` null), and those that a request or batch named.
WEBHOOKS = Table(
    "webhooks",
    METADATA,
    Column("id", String, primary_key=True),
    Column("project_id", String, ForeignKey("projects.id"), nullable=False),
    Column("subject", String),
    Column("url", String, nullable=False),
    Column("host", String, nullable=False),
    Column("types", ARRAY(String)),
    time_now_column("created"),
    time_column("disabled"),
)

DELIVERIES = Table(
    "deliveries",
    METADATA,
    Column("id", String, primary_key=True),
    Column("project_id", String, nullable=False),
    Column("webhook_id", String, nullable=False),
    Column("url", String, nullable=False),
    Column("host", String, nullable=False),
    Column("subject", String, nullable=False),
    Column("type", String, nullable=False),
    Column("snapshot", JSONB(none_as_null=True), nullable=False),
    Column("status", String, nullable=False, server_default="pending"),
    Column("tries", Integer, nullable=False, server_default=text("0")),
    Column("log", JSONB(none_as_null=True), nullable=False, server_default=text("'[]'")),
    time_now_column("created"),
    time_now_column("due"),
    time_now_column("since"),
    time_column("leased_until"),
)

# Hosts that failed: nothing is sent to them until `closed_until`.
WEBHOOK_HOSTS = Table(
    "webhook_hosts",
    METADATA,
    Column("host", String, primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("closed_until", time_column("closed_until").type, nullable=False),
)

_PENDING = DELIVERIES.c.status == text("'pending'")
Index("webhooks_by_project", WEBHOOKS.c.project_id, WEBHOOKS.c.subject)
Index("deliveries_due", DELIVERIES.c.host, DELIVERIES.c.due, postgresql_where=_PENDING)
Index("deliveries_leased", DELIVERIES.c.host, postgresql_where=DELIVERIES.c.leased_until.is_not(None))
Index("deliveries_by_subject", DELIVERIES.c.subject, DELIVERIES.c.created)
Index("deliveries_by_webhook", DELIVERIES.c.webhook_id, postgresql_where=_PENDING)
Index("deliveries_by_age", DELIVERIES.c.created, postgresql_where=DELIVERIES.c.status != text("'pending'"))
Index("deliveries_pending_since", DELIVERIES.c.since, postgresql_where=_PENDING)

# Ended tasks and batches that Prefect, or the lineage server, has not been told of.
EVENT_OUTBOX = Table(
    "event_outbox",
    METADATA,
    Column("id", String, primary_key=True),
    Column("project_id", String, nullable=False),
    Column("subject", String, nullable=False),
    Column("type", String, nullable=False),
    Column("snapshot", JSONB(none_as_null=True), nullable=False),
    time_now_column("created"),
    time_now_column("due"),
    Column("receiver", String, nullable=False, server_default="prefect"),
)
Index("event_outbox_due", EVENT_OUTBOX.c.receiver, EVENT_OUTBOX.c.due)

# Prefixes in which objects have arrived, by the digest of their rule.
ARRIVALS = Table(
    "arrivals",
    METADATA,
    Column("rule", String, primary_key=True),
    time_now_column("since"),
    time_now_column("noted"),
    time_now_column("due"),
)
