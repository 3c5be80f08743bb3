"""API keys and their projects. Only the sha256 of a token is stored."""

import hashlib
import secrets
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, bindparam, case, func, insert, or_, select, update
from sqlalchemy.dialects.postgresql import insert as insert_or

from penstock.domain import errors
from penstock.domain.api_keys import ApiKey, Caller, derive_key
from penstock.domain.ids import KeyId, OrgId, ProjectId, new_key_id, new_org_id, new_project_id
from penstock.records.database import Database
from penstock.records.tables import KEYS, ORGANISATIONS, PROJECTS

DEFAULT_PROJECT_NAME = "default"
_PREFIX = "penstock_"
_FROM_ENVIRONMENT = "This key comes from PENSTOCK_API_KEY; change that setting and restart the service."

_VALID = (KEYS.c.revoked.is_(None), or_(KEYS.c.expires.is_(None), KEYS.c.expires > func.now()))
_CALLER_BY_HASH = (
    select(KEYS.c.id, PROJECTS.c.id, PROJECTS.c.organisation_id, PROJECTS.c.secret)
    .join(PROJECTS, PROJECTS.c.id == KEYS.c.project_id)
    .where(KEYS.c.sha256 == bindparam("hash"), *_VALID)
)
_VALID_KEY = (
    select(KEYS.c.project_id, KEYS.c.from_environment)
    .where(KEYS.c.id == bindparam("key_id"), *_VALID)
    .with_for_update()
)


class Keys:
    """The API keys and projects."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def ensure_default(self, api_key: str | None = None) -> str | None:
        """Create the default project, or add a given key to it. Returns its token if one was generated: only at
        creation."""
        with self._database.writing() as connection:
            connection.execute(select(func.pg_advisory_xact_lock(func.hashtext("penstock default project"))))
            project_id = _default(connection)
            if project_id and not api_key:
                return None
            token = api_key or _new_token()
            _add(connection, project_id or _new_project(connection, DEFAULT_PROJECT_NAME), token)
            return None if api_key else token

    def create(self, project_id: ProjectId | None = None) -> tuple[KeyId, str]:
        """Create a key, by default of the default project; returns its id and token. Raises `NotFound`."""
        token = _new_token()
        with self._database.writing() as connection:
            owner = _project(connection, project_id) if project_id else _default(connection)
            if owner is None:
                raise errors.NotFound("There is no such project.")
            return _add(connection, owner, token), token

    def new_project(self, name: str) -> ProjectId:
        """Create a project in a new organisation."""
        with self._database.writing() as connection:
            return _new_project(connection, name)

    def list(self) -> tuple[ApiKey, ...]:
        with self._database.reading() as connection:
            rows = connection.execute(select(KEYS).order_by(KEYS.c.created, KEYS.c.id))
            return tuple(_key(row) for row in rows)

    def revoke(self, key_id: str) -> None:
        """Revoke a key now. Raises `NotFound`."""
        revoked = update(KEYS).where(KEYS.c.id == key_id).values(revoked=func.coalesce(KEYS.c.revoked, func.now()))
        with self._database.writing() as connection:
            if connection.execute(revoked).rowcount == 0:
                raise errors.NotFound("There is no such key.")

    def rotate(self, key_id: str, overlap: timedelta) -> tuple[KeyId, str]:
        """Create a key of the same project; the old one expires after the overlap. Returns the new id and token.

        Raises `NotFound` for a key that is not valid, `FieldInvalid` for the one in `PENSTOCK_API_KEY`."""
        token = _new_token()
        with self._database.writing() as connection:
            old = connection.execute(_VALID_KEY, {"key_id": key_id}).first()
            if old is None:
                raise errors.NotFound("There is no such key, or it is no longer valid.")
            if old.from_environment:
                raise errors.FieldInvalid(_FROM_ENVIRONMENT, field="key_id")
            expires = _not_after(func.now() + overlap)
            connection.execute(update(KEYS).where(KEYS.c.id == key_id).values(expires=expires))
            return _add(connection, ProjectId(old.project_id), token), token

    def rotate_secret(self, project_id: ProjectId, overlap: timedelta) -> None:
        """Replace a project's secret; links signed with the old one work during the overlap. Raises `NotFound`."""
        fresh = {"secret": secrets.token_urlsafe(32), "previous_secret": PROJECTS.c.secret}
        rotated = (
            update(PROJECTS).where(PROJECTS.c.id == project_id).values(fresh | {"previous_until": func.now() + overlap})
        )
        with self._database.writing() as connection:
            if connection.execute(rotated).rowcount == 0:
                raise errors.NotFound("There is no such project.")

    def set_environment_key(self, token: str) -> None:
        """Mark the key as the one in `PENSTOCK_API_KEY`; the one that was marked before expires now."""
        with self._database.writing() as connection:
            marked = KEYS.c.sha256 == _sha256(token)
            theirs = update(KEYS).where(KEYS.c.from_environment, KEYS.c.sha256 != _sha256(token))
            connection.execute(theirs.values(expires=_not_after(func.now())))
            connection.execute(update(KEYS).where(marked).values(from_environment=True, expires=None))

    def find_caller(self, token: str) -> Caller | None:
        """The caller of a token; None if it is unknown, revoked or expired."""
        with self._database.reading() as connection:
            row = connection.execute(_CALLER_BY_HASH, {"hash": _sha256(token)}).first()
        return Caller(KeyId(row[0]), ProjectId(row[1]), OrgId(row[2]), row[3]) if row else None

    def project_ids(self) -> tuple[ProjectId, ...]:
        """The ids of all projects, unordered."""
        with self._database.reading() as connection:
            return tuple(ProjectId(name) for name in connection.execute(select(PROJECTS.c.id)).scalars())

    def default_project(self) -> ProjectId:
        """The id of the default project. Raises `NotFound` before `ensure_default`."""
        with self._database.reading() as connection:
            project_id = _default(connection)
        if project_id is None:
            raise errors.NotFound("There is no project yet.")
        return project_id

    def find_project(self, name: str) -> ProjectId:
        """The project with this id, else with this name. Raises `NotFound`."""
        with self._database.reading() as connection:
            named = select(PROJECTS.c.id).where(or_(PROJECTS.c.id == name, PROJECTS.c.name == name))
            found = connection.execute(named.order_by(PROJECTS.c.id != name)).scalar()
        if found is None:
            raise errors.NotFound("There is no such project.")
        return ProjectId(found)

    def require_project(self, project_id: ProjectId) -> None:
        """Raises `NotFound` for a project that does not exist."""
        with self._database.reading() as connection:
            if _project(connection, project_id) is None:
                raise errors.NotFound("There is no such project.")

    def receipt_key(self, project_id: ProjectId) -> str:
        """The key that signs and verifies a project's receipts. Raises `NotFound`."""
        return derive_key("receipts", self.project_secret(project_id))

    def project_secret(self, project_id: ProjectId) -> str:
        """The project's secret, never shown; pass it to `derive_key`. Raises `NotFound`."""
        with self._database.reading() as connection:
            secret = connection.execute(select(PROJECTS.c.secret).where(PROJECTS.c.id == project_id)).scalar()
        if secret is None:
            raise errors.NotFound("There is no such project.")
        return str(secret)

    def project_secrets(self, project_id: ProjectId) -> tuple[str, ...]:
        """The project's secret, and the one before while it is still accepted. Raises `NotFound`."""
        previous = case((PROJECTS.c.previous_until > func.now(), PROJECTS.c.previous_secret))
        query = select(PROJECTS.c.secret, previous).where(PROJECTS.c.id == project_id)
        with self._database.reading() as connection:
            row = connection.execute(query).first()
        if row is None:
            raise errors.NotFound("There is no such project.")
        return tuple(secret for secret in row if secret)


def _key(row: Any) -> ApiKey:
    revoked, expires = (moment and moment.isoformat() for moment in (row.revoked, row.expires))
    return ApiKey(row.id, row.project_id, row.created.isoformat(), revoked, expires)


def _not_after(moment: Any) -> Any:
    """The earlier of the key's expiry and this moment. LEAST ignores null."""
    return func.least(KEYS.c.expires, moment)


def _new_token() -> str:
    return _PREFIX + secrets.token_urlsafe(32)


def _sha256(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _default(connection: Connection) -> ProjectId | None:
    found = connection.execute(select(PROJECTS.c.id).where(PROJECTS.c.name == DEFAULT_PROJECT_NAME)).scalar()
    return ProjectId(found) if found else None


def _project(connection: Connection, project_id: ProjectId) -> ProjectId | None:
    found = connection.execute(select(PROJECTS.c.id).where(PROJECTS.c.id == project_id)).scalar()
    return ProjectId(found) if found else None


def _new_project(connection: Connection, name: str) -> ProjectId:
    org_id, project_id = new_org_id(), new_project_id()
    connection.execute(insert(ORGANISATIONS).values(id=org_id, name=name))
    row = {"id": project_id, "organisation_id": org_id, "name": name, "secret": secrets.token_urlsafe(32)}
    connection.execute(insert(PROJECTS).values(row))
    return project_id


def _add(connection: Connection, project_id: ProjectId, token: str) -> KeyId:
    key_id = new_key_id()
    row = {"id": key_id, "project_id": project_id, "sha256": _sha256(token)}
    connection.execute(insert_or(KEYS).values(row).on_conflict_do_nothing(index_elements=["sha256"]))
    return key_id
