"""The artifacts of runs and models: where a store says that they are, if that is a place of the store's.

A store is a file that may come from anybody, and it names a place for each run: any folder of this machine,
or a host that would be sent the password of the environment.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

from mlflow import MlflowClient
from mlflow.entities import FileInfo
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository
from mlflow.utils.uri import add_databricks_profile_info_to_artifact_uri

from runner.config import sqlite_uri
from runner.errors import TrackingError
from runner.tracking.moved_store import ARTIFACTS, artifact_root

ROOT = "MLFLOW_DEFAULT_ARTIFACT_ROOT"
"""The environment's word for a place that is meant, as MLflow's server reads it."""

UNFINISHED = ".artifact.uploading."
"""How MLflow calls a file that it writes in a folder of artifacts, until all of it is there."""

FOLDERS = (ARTIFACTS, "mlruns")
"""What a folder of artifacts is called, by the runner and by MLflow."""


class Artifacts:
    """The artifacts of a run or of a model. Every method raises what MLflow raises.

    Args:
        client: of the store.
        place: where they are, as the store says.

    Raises:
        TrackingError: if that is no place for this store.
    """

    def __init__(self, client: MlflowClient, place: str) -> None:
        uri = str(client.tracking_uri)
        refuse_elsewhere(uri, place)
        self._folder = local_path(place)
        known = add_databricks_profile_info_to_artifact_uri(place, uri)  # type: ignore[no-untyped-call]
        self._repository = get_artifact_repository(known, tracking_uri=uri)

    def list(self, folder: str | None = None) -> list[FileInfo]:
        """What is in a folder of them."""
        return list(self._repository.list_artifacts(folder))

    def names(self, folder: str | None = None) -> Iterator[str]:
        """The names of all files in a folder of them and below."""
        for entry in self.list(folder):
            if entry.is_dir:
                yield from self.names(entry.path)
            else:
                yield entry.path

    def download(self, name: str, folder: str | Path) -> Path:
        """Copy a file, or a folder and all that is in it, into ``folder``; the copy."""
        return Path(self._repository.download_artifacts(name, str(folder)))  # type: ignore[no-untyped-call]

    def upload(self, file: Path, folder: str | None = None) -> None:
        """Add a file, to a folder of them."""
        self._repository.log_artifact(str(file), folder)  # type: ignore[no-untyped-call]

    def upload_all(self, folder: Path) -> None:
        """Add all that is in a folder; no link that is there already is followed."""
        for path in self._folder.rglob("*") if self._folder is not None else ():
            if path.is_symlink():
                raise TrackingError(f"{path}: is a link, and links are not followed")
        self._repository.log_artifacts(str(folder))  # type: ignore[no-untyped-call]

    def delete(self, name: str) -> None:
        """Delete a file; raises a NotImplementedError, too, where artifacts can't be deleted."""
        self._repository.delete_artifacts(name)  # type: ignore[no-untyped-call]

    def remove_unfinished(self, since: float) -> None:
        """Remove what a process was about to write that was killed: MLflow would list it among the others.

        Args:
            since: seconds since 1970; a file that has changed later may be another's, who is at it.

        Raises:
            OSError: if it can't be removed.
        """
        for file in self._folder.rglob(f"{UNFINISHED}*") if self._folder is not None else ():
            if not file.is_symlink() and file.stat().st_mtime < since:
                file.unlink()


def of_run(client: MlflowClient, run_id: str) -> Artifacts:
    """A run's. Raises what MLflow raises, or a TrackingError."""
    return Artifacts(client, client.get_run(run_id).info.artifact_uri)


def of_model(client: MlflowClient, model_id: str) -> Artifacts:
    """A logged model's. Raises what MLflow raises, or a TrackingError."""
    return Artifacts(client, client.get_logged_model(model_id).artifact_location)


def refuse_elsewhere(store: str, place: object) -> None:
    """Refuse a place of artifacts that a store names and that is not the store's.

    Args:
        store: its URI.
        place: the artifacts', as a URI or a path.

    Raises:
        TrackingError: if it is one, with what to type if it is meant.
    """
    if not (isinstance(place, str) and is_meant(store, place)):
        raise TrackingError(
            f"tracking.uri: its artifacts are in '{place}', which is neither beside it nor in the launch "
            f"folder: {ROOT}=… in the environment says where else they may be"
        )


def is_meant(store: str, place: str) -> bool:
    """Whether artifacts may be in a place: of the store's, of the launch folder's, or one that is typed."""
    root = os.environ.get(ROOT)
    try:
        if is_servers(store, place) or (root and is_below(place, root)):
            return True
        path = local_path(place)
    except ValueError:  # of what is no URI
        return False
    return path is not None and any(is_really_in(path, folder) for folder in folders_of(store))


def folders_of(store: str) -> list[Path]:
    """The folders in which a store may have its artifacts on this machine."""
    path = sqlite_uri.to_path(store)
    beside = [] if path is None else [artifact_root(path).parent]
    return [place / name for place in (*beside, Path.cwd()) for name in FOLDERS]


def is_servers(store: str, place: str) -> bool:
    """Whether a server hands artifacts on itself, or has them on yet another machine."""
    if not store.startswith(("http://", "https://")):
        return False
    where, server = urlsplit(place), urlsplit(store)
    if where.scheme == "mlflow-artifacts" and not where.netloc:
        return True
    if where.scheme in ("http", "https", "mlflow-artifacts"):
        return where.netloc in (server.netloc, server.netloc.rpartition("@")[2]) and "\\" not in place
    return where.scheme not in ("", "file")


def local_path(place: str) -> Path | None:
    """The folder of this machine that a place is; None if it is on another."""
    parts = urlsplit(place)
    if parts.scheme not in ("", "file") or parts.netloc or "\0" in place:
        return None
    return Path(unquote(parts.path) if parts.scheme else place)


def is_really_in(path: Path, folder: Path) -> bool:
    """Whether a path ends in a folder, or below, wherever links in it lead."""
    within = folder.parent.resolve() / folder.name
    return path.resolve().is_relative_to(within)


def is_below(place: str, root: str) -> bool:
    """Whether a place of artifacts is a root, or below."""
    path, folder = local_path(place), local_path(root)
    if path is not None and folder is not None:
        return path.resolve().is_relative_to(folder.resolve())
    return ".." not in place and f"{place}/".startswith(f"{root.rstrip('/')}/")
