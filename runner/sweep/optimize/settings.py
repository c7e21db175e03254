"""What ``hydra.sweeper`` says under ``hydra/sweeper=optuna``; apart from Optuna, which may not be there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class OptunaSettings:
    """How a study is searched.

    Attributes:
        trials: how many the study shall have in the end, those of earlier sweeps included.
        batch_size: how many are asked for, and trained, together; None leaves it to the
            sampler, and has a pruner begin with five.
        sampler: its name, or ``{type: <name>, <arguments>}``.
        seed: the sampler's.
        pruner: likewise; ``none`` lets every trial run to its end.
        storage: the study's URL; None keeps it in memory.
        study_name: by which a study in a storage is continued.
        direction: ``minimize`` or ``maximize``, one an objective; None goes by the metrics' names.
        objectives: metrics; None is for the config's ``objective``.
    """

    trials: int
    batch_size: int | None
    sampler: str | Mapping[str, Any]
    seed: int
    pruner: str | Mapping[str, Any]
    storage: str | None
    study_name: str | None
    direction: str | Sequence[str] | None
    objectives: Sequence[str] | None
