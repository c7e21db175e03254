"""What is known of a sweep that is to be continued."""

from pathlib import Path
from tempfile import TemporaryDirectory

from omegaconf import DictConfig, OmegaConf

from runner.config.compose import SWEEP_RECORD
from runner.errors import TrackingError
from runner.tracking.store import connect, told_as_tracking_error


def recorded(sweep: str, config: DictConfig) -> DictConfig:
    """The config that a sweep was started with, from its parent run.

    Args:
        sweep: the sweep's id.
        config: says which store it is in.

    Raises:
        TrackingError: if the store cannot be used or knows no such sweep.
    """
    uri = config.tracking.uri
    client = connect(uri)
    with told_as_tracking_error(uri), TemporaryDirectory() as folder:
        names = [file.path for file in client.list_artifacts(sweep)]
        if SWEEP_RECORD not in names:
            raise TrackingError(f"sweep.resume: run '{sweep}' is no sweep: it has no {SWEEP_RECORD}")
        found = OmegaConf.load(Path(client.download_artifacts(sweep, SWEEP_RECORD, folder)))
    assert isinstance(found, DictConfig)
    return found
