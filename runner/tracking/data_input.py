"""What a run is said to have learnt from."""

from collections.abc import Mapping
from dataclasses import dataclass

from runner.config.plain import Plain
from runner.process.masking import masked_values
from runner.tracking.used_data import UsedData
from runner.types import Shape


@dataclass(frozen=True)
class DataInput:
    """A data set as it is told to the tracking store.

    Attributes:
        settings: what the config says of it.
        digest: equal data, equal digest.
        sizes: the samples of each part, by the part's name.
        in_shape: of one sample.
        out_shape: of what a model has to give for one.
    """

    settings: Plain
    digest: str
    sizes: Mapping[str, int]
    in_shape: Shape
    out_shape: Shape

    @property
    def name(self) -> str:
        """What the data is called."""
        return str(self.settings["type"])

    @property
    def used(self) -> UsedData:
        """What other runs' data are compared with; settings are as the store has them, secrets masked."""
        return UsedData.of(masked_values(self.settings), self.digest)
