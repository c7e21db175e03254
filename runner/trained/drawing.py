"""Having a run's pictures drawn, which is no reason for a run that has gone well to fail."""

import logging
import warnings
from collections.abc import Sequence
from threading import Lock

from runner.build import Parts
from runner.config.check import Config
from runner.data.dataset import Dataset
from runner.tracking.outcome import reason_of
from runner.training.loop import Epoch

log = logging.getLogger(__name__)

ONE_AT_A_TIME = Lock()
"""What draws is not made for several threads."""


def drawn(config: Config, parts: Parts, data: Dataset, epochs: Sequence[Epoch]) -> dict[str, bytes]:
    """A trained model's pictures, by the places of their files; if they can't be drawn, the log says why."""
    from runner.trained.pictures import pictures_of  # which takes a while to import

    try:
        with ONE_AT_A_TIME, warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Glyph .* missing from font")  # a box stands for the letter
            return pictures_of(config, parts, data, epochs)
    except Exception as error:
        log.warning("the pictures could not be drawn: %s", reason_of(error))
        return {}
