"""What a study found: written into the sweep's folder, and told in a line."""

from collections.abc import Mapping
from pathlib import Path

import optuna
import yaml
from optuna.trial import FrozenTrial, TrialState

from runner.process.masking import masked_words

OPTIMUM = "optimization.yaml"


def best_trials(study: optuna.Study) -> list[FrozenTrial]:
    """The best trial; of several objectives the Pareto front, none of which another beats in all."""
    if not study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,)):
        return []
    best = sorted(study.best_trials, key=lambda trial: trial.number)
    return best if len(study.directions) > 1 else best[:1]


def write_optimum(study: optuna.Study, objectives: Mapping[str, str], folder: Path) -> Path:
    """Write down the best trials and how many there were; return the file."""
    trials = study.get_trials(deepcopy=False)
    states = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL)
    told = {
        "study": study.study_name,
        "objectives": dict(objectives),
        "trials": {state.name.lower(): sum(t.state == state for t in trials) for state in states},
        "best": [
            {
                "trial": trial.number,
                "values": dict(zip(objectives, trial.values, strict=True)),
                "params": trial.params,
                "overrides": trial.user_attrs.get("overrides", []),
            }
            for trial in best_trials(study)
        ],
    }
    path = folder / OPTIMUM
    path.write_text(yaml.safe_dump(told, sort_keys=False), encoding="utf-8")
    return path


def tell_optimum(study: optuna.Study, objectives: Mapping[str, str], path: Path) -> str:
    """The best trial in a line, or how many there are."""
    best = best_trials(study)
    if not best:
        return f"{'best trial':<22}none: no trial came to its end"
    if len(objectives) > 1:
        return f"{'best trials':<22}{len(best)} of {len(study.trials)} that none beats in all: {path}"
    ((metric, _),) = objectives.items()
    typed = masked_words(best[0].user_attrs.get("overrides", []))
    return f"{'best trial':<22}{best[0].number} of {len(study.trials)}: {metric} {best[0].value:.6g}: {typed}"
