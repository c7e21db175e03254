"""``runner evaluate``: how good a trained model is on a part of its data, or on other data."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from runner.commands.arguments import DEVICES, Arguments, run_program
from runner.config.overrides import as_override
from runner.config.plain import Plain
from runner.errors import ConfigError, in_a_line
from runner.process.importing import without_collections

if TYPE_CHECKING:  # torch and mlflow are imported when there is something to evaluate
    from runner.config.check import Config
    from runner.data.dataset import Dataset, Split
    from runner.trained.serving import Predictor

USAGE = """runner evaluate <run> [key=value …]

Evaluates the model that a run has logged, prints its metrics and logs them with that run, as
evaluate/<data>/<part>/<metric>.

  run           the run's id, or as much of its beginning as no other has
  part          test (default), val or train
  data, data.*  other data than the run's, or the run's with other values: data=mnist, data.root=…
  plugins       true lets the run's plugins run, which are code that the store names; or a list of files and
                modules of your own to take in their place
  device        auto (default), cpu or cuda
  tracking.uri  the store; outputs/mlflow.db if nothing else is said
  --config-dir  a folder of your own YAML: for data, and files of plugins"""

KNOWN = ("run!", "part", "data", "data.*", "plugins", "device", "tracking.uri")
PARTS = ("test", "val", "train")


def main(words: Sequence[str]) -> int:
    """The command; its exit code."""
    return run_program(words, USAGE, KNOWN, evaluate)


def evaluate(arguments: Arguments) -> int:
    """Evaluate, print, log; the exit code.

    Raises:
        ConfigError: if the arguments are wrong, or the data are none for this model.
        RunnerError: if run, model or data cannot be had.
    """
    part, where = arguments.choice("part", PARTS), arguments.choice("device", DEVICES)
    wanted = arguments.plugins()
    with without_collections():
        from runner.build import find_device
        from runner.config.check import check
        from runner.config.stored import as_data
        from runner.plugins.mistakes import mistakes_told
        from runner.prepare import load
        from runner.process.parallel import ALONE
        from runner.trained.run import find
    device = find_device(where)
    run = find(arguments.store(), arguments.required("run"))
    recorded = run.recorded()
    if arguments.of("data") is not None:
        recorded["data"] = {}
    recorded = as_data(recorded, wanted, arguments.of("data.root"))
    plain = config_of(recorded, arguments)
    predictor = run.load_model(device, wanted)
    config = check(plain, kept=predictor.preprocessing)
    refuse_other_shapes(config, predictor)
    with mistakes_told([*config.plugins, *predictor.plugins], config.plain):
        data = load(config, device, ALONE)
        if config.source.task == "regression":
            data = data.with_units(predictor.units)
        metrics = measure(config, predictor, data, part)
    name_of_data = config.plain["data"]["type"]
    run.log({f"evaluate/{name_of_data}/{name}": value for name, value in metrics.items()})
    for name, value in metrics.items():
        print(in_a_line(f"{name:<22}{value:.6g}"))
    return 0


def config_of(recorded: Plain, arguments: Arguments) -> Plain:
    """A run's config with the data that was typed, if any.

    What the training looked at meanwhile has no part in it: other data may have no such metric.

    Raises:
        ConfigError: if what was typed cannot be composed.
    """
    from runner.config.completed import completed
    from runner.config.compose import compose_run

    typed = arguments.overrides("data")
    before = [f"plugins={as_override(recorded['plugins'])}"]
    if arguments.of("data") is None:
        before.append(f"++data={as_override(recorded['data'])}")
    composed = compose_run([*before, *typed], arguments.config_dir).plain
    plain = completed(recorded, composed)
    plain["train"]["early_stopping"] = composed["train"]["early_stopping"]
    return plain | {name: composed[name] for name in ("data", "plugins", "objective")}


def refuse_other_shapes(config: "Config", predictor: "Predictor") -> None:
    """Refuse data that the model cannot take, or whose targets are not what it gives.

    Raises:
        ConfigError: if they are such.
    """
    source, name = config.source, config.plain["data"]["type"]
    problems = [
        f"data.type: '{name}' {has} {list(theirs)} a sample, the model {does} {list(its)}"
        for has, theirs, does, its in (
            ("gives", source.in_shape, "takes", predictor.in_shape),
            ("wants", source.out_shape, "gives", predictor.model.out_shape),
        )
        if theirs != its
    ]
    if problems:
        raise ConfigError(problems)


def part_of(data: "Dataset", part: str) -> "Split":
    """A part of the data.

    Raises:
        ConfigError: if there is no validation part.
    """
    parts = {"train": data.train, "val": data.val, "test": data.test}
    split = parts[part]
    if split is None:
        raise ConfigError(["part: there is no 'val', data.val=0.1 would set a tenth of the samples apart"])
    return split


def measure(config: "Config", predictor: "Predictor", data: "Dataset", part: str) -> dict[str, float]:
    """The config's metrics over a part of the data, at the precision that the model was trained at.

    Raises:
        ConfigError: if there is no such part.
    """
    from runner.nn.precision import at_precision, tf32
    from runner.prepare import loss_of
    from runner.training import loop

    precision, split = config.train.precision, part_of(data, part)
    model, loss = at_precision(predictor.model, precision), loss_of(config, data)
    with tf32(precision == "tf32"):
        return loop.evaluate(model, predictor.store, loss, split, f"{part}/", metrics=config.metrics)
