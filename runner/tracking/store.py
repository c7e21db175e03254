"""The tracking store: made once, whole or not at all, and an experiment in it."""

import contextlib
import logging
import os
import socket
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from mlflow.store.db.db_types import DATABASE_ENGINES
from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore
from requests.exceptions import ConnectionError as RequestsConnectionError
from requests.exceptions import RequestException, Timeout
from sqlalchemy import Engine, create_engine, event, make_url
from sqlalchemy.exc import IntegrityError, OperationalError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from runner.config import sqlite_uri
from runner.errors import TrackingError
from runner.process.masking import masked, masked_value
from runner.tracking.artifacts import refuse_elsewhere
from runner.tracking.moved_store import artifact_root, update_places

STORE_ERRORS = (MlflowException, SQLAlchemyError, RequestException, sqlite3.Error, OSError)
"""What MLflow raises when its store cannot be reached or written."""

DEFAULTS = {
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}
"""No bars for files that nobody asked for, no URIs on the terminal with what is secret in them; a server
that is gone is noticed within seconds, where MLflow's own defaults block for minutes. What is to be tried
again is so by the runner, which knows what may be."""

CONNECT_SECONDS = 5.0
"""How long a database's host may take to answer at all."""

RETRIES = "MLFLOW_HTTP_REQUEST_MAX_RETRIES"

REPEATABLE = (401, 403, 408, 409, 425, 429, 499)
"""HTTP's errors of the 400s that say nothing against asking again: of time, of load, and of who asks, since
a server or a proxy that has lost its users for a while has them again later."""


@contextlib.contextmanager
def told_as_tracking_error(uri: str) -> Iterator[None]:
    """Turn MLflow's many exceptions into one line.

    Raises:
        TrackingError: for any of ``STORE_ERRORS``.
    """
    try:
        yield
    except STORE_ERRORS as error:
        why = told(error, uri)
        raise TrackingError(f"tracking.uri: '{masked_value(uri)}' cannot be used: {why}") from error


def told(error: Exception, uri: str = "") -> str:
    """What an error of the store at ``uri`` says, in a line."""
    lines = [line for line in str(error).splitlines() if line.strip() and not line.startswith("(raised as")]
    return masked(lines[0], uri) if lines else type(error).__name__


def is_refused(error: Exception) -> bool:
    """Whether a store says that it will never take this, however often it is asked."""
    if isinstance(error, TrackingError) and isinstance(error.__cause__, Exception):
        return is_refused(error.__cause__)
    if isinstance(error, MlflowException):
        status = error.get_http_status_code()  # type: ignore[no-untyped-call]
        return 400 <= status < 500 and status not in REPEATABLE and not is_race(error)
    return not isinstance(error, STORE_ERRORS)


def is_unreachable(error: BaseException) -> bool:
    """Whether nobody answered at all, so that whatever else is asked of the same store will not be either."""
    chain: BaseException | None = error
    while chain is not None:
        if isinstance(chain, (RequestsConnectionError, Timeout, OperationalError)):
            return not is_locked(chain)
        chain = chain.__cause__ or chain.__context__
    return False


def is_race(error: MlflowException) -> bool:
    """Whether another process has just added what was to be added: MLflow looks first, without a lock."""
    return isinstance(error.__cause__, IntegrityError) or "IntegrityError" in str(error)


def is_locked(error: BaseException | None) -> bool:
    """Whether another process holds the database, which ends when that process does."""
    return error is not None and "database is locked" in str(error)


@contextlib.contextmanager
def asked_once() -> Iterator[None]:
    """MLflow repeats no request by itself: for calls that make something, and would make it again."""
    before = os.environ.get(RETRIES)
    os.environ[RETRIES] = "0"
    try:
        yield
    finally:
        os.environ[RETRIES] = before or DEFAULTS[RETRIES]


def connect(uri: str) -> MlflowClient:
    """A client of the store at ``uri``, which is made first if it is a SQLite file that isn't there.

    Raises:
        TrackingError: if the store cannot be reached or made.
    """
    for name, value in DEFAULTS.items():
        os.environ.setdefault(name, value)
    logging.getLogger("urllib3.connectionpool").setLevel(logging.ERROR)  # each retry is no news
    logging.getLogger("mlflow.store.db.utils").setLevel(logging.CRITICAL)  # what it logs, it raises too
    with told_as_tracking_error(uri):
        path = sqlite_uri.to_path(uri)
        if path is not None:
            make_sqlite_store(path)
            update_places(path)
        elif is_database(uri):
            reach(uri)
        return MlflowClient(tracking_uri=uri)


def is_database(uri: str) -> bool:
    """Whether a store is a database that MLflow opens itself, not a server."""
    return uri.partition(":")[0].partition("+")[0] in DATABASE_ENGINES


def reach(uri: str) -> None:
    """Connect to a database once: MLflow would try for more than a minute. Raises what SQLAlchemy raises."""
    place = make_url(uri)
    if place.host is not None and place.port is not None:  # a driver may wait for minutes
        socket.create_connection((place.host, place.port), CONNECT_SECONDS).close()
    engine = create_engine(uri, poolclass=NullPool)
    engine.connect().close()


def make_sqlite_store(path: Path) -> None:
    """Make the database file, unless it is there.

    MLflow creates its tables without a lock, and a process that is killed meanwhile leaves a file that no
    other can open. So one process at a time makes them, in a temporary file that is renamed when whole.
    """
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(path.with_name(f".{path.name}.lock")):
        if path.exists():
            return
        unfinished = path.with_name(f".{path.name}.unfinished")
        unfinished.unlink(missing_ok=True)
        logging.getLogger("alembic").setLevel(logging.WARNING)
        with written_lazily():
            store = SqlAlchemyStore(  # type: ignore[no-untyped-call]
                sqlite_uri.from_path(unfinished), artifact_root(path).as_uri()
            )
            store.engine.dispose()
        with contextlib.closing(sqlite3.connect(unfinished)) as connection:
            (verdict,) = connection.execute("PRAGMA quick_check").fetchone()
        if verdict != "ok":
            raise sqlite3.DatabaseError(f"the new database is damaged: {verdict}")
        with unfinished.open("rb") as file:
            os.fsync(file.fileno())
        unfinished.rename(path)


@contextlib.contextmanager
def written_lazily() -> Iterator[None]:
    """SQLite waits for no disk: for a file that is worth nothing before it is whole and synced.

    MLflow makes its tables in 71 transactions that would wait a thousand times, for seconds on a busy disk.
    """

    def relax(connection: sqlite3.Connection, _: object) -> None:
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("PRAGMA journal_mode = MEMORY")

    event.listen(Engine, "connect", relax)
    try:
        yield
    finally:
        event.remove(Engine, "connect", relax)


def find_experiment(client: MlflowClient, name: str) -> str:
    """The id of the experiment called ``name``, which is made if it isn't there.

    Raises:
        TrackingError: if the store fails, the experiment has been deleted, or has its artifacts elsewhere.
    """
    with told_as_tracking_error(client.tracking_uri):
        experiment = client.get_experiment_by_name(name)
        if experiment is None:
            path = sqlite_uri.to_path(client.tracking_uri)
            location = (artifact_root(path) / safe_folder(name)).as_uri() if path else None
            try:
                return str(client.create_experiment(name, artifact_location=location))
            except MlflowException as error:
                if error.error_code != "RESOURCE_ALREADY_EXISTS":
                    raise
                experiment = client.get_experiment_by_name(name)  # another process was faster
    if experiment is None:
        raise TrackingError(f"tracking.experiment: '{name}' can neither be made nor found")
    if experiment.lifecycle_stage != "active":
        raise TrackingError(
            f"tracking.experiment: '{name}' has been deleted in this store. Restore it with "
            f"`mlflow experiments restore --experiment-id {experiment.experiment_id}` or use another name"
        )
    refuse_elsewhere(client.tracking_uri, experiment.artifact_location)
    return str(experiment.experiment_id)


def safe_folder(name: str) -> str:
    """An experiment's name as one folder name."""
    return "".join(character if character.isalnum() or character in "-_ " else "_" for character in name)
