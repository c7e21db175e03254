"""``python -m runner``: a command line in, an exit code out.

0 done, 1 failed, 2 a wrong command line or config, 128 + n stopped by signal n (130 Ctrl-C, 143 SIGTERM).
What needs torch or mlflow is imported when a job starts, so that --help and --cfg answer at once.
"""

import math
import os
import shlex
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

import hydra
from hydra.conf import HydraConf
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from runner.compose import (
    CONFIG_ERRORS,
    conf_folder,
    explain,
    in_sweep,
    launch_of,
    refuse_hydra_settings,
    register_resolvers,
    to_plain,
)
from runner.errors import ConfigError, RunnerError
from runner.importing import without_collections
from runner.signals import Terminated, raise_on_signals
from runner.sweep.callback import PARENT, SweepFolder

FULL_ERROR = "HYDRA_FULL_ERROR"


def main() -> None:
    """The console script."""
    raise_on_signals()
    shows_traceback = os.environ.get(FULL_ERROR, "0") not in ("", "0")
    if is_follower():
        sys.exit(exit_code(follow_first, shows_traceback))
    register_resolvers()
    sys.exit(run_command_line(shows_traceback))


def run_command_line(shows_traceback: bool) -> int:
    """Let Hydra read ``sys.argv`` and run what it says."""
    command = shlex.join(["python", "-m", "runner", *sys.argv[1:]])
    failures: list[Exception] = []

    def job(cfg: DictConfig) -> float:
        node = HydraConfig.get()
        refuse_hydra_settings(node)
        if in_sweep(node):
            with without_collections():
                from runner.sweep.job import run_job
            return run_job(cfg, node, command)
        try:
            return run_single(cfg, node, command)
        except Exception as error:  # told below: from here, Hydra would tell it in its own way
            failures.append(error)
            return math.nan

    def start() -> int:
        hydra.main(version_base="1.3", config_path=str(conf_folder()), config_name="config")(job)()
        return 0

    os.environ[FULL_ERROR] = "1"  # Hydra then hands its exceptions on instead of printing them
    code = exit_code(start, shows_traceback)
    if failures:
        code = tell(failures[0], shows_traceback)
    folder = SweepFolder.path
    if folder is None:
        return code
    return exit_code(lambda: end_sweep(folder, code), shows_traceback)


def exit_code(action: Callable[[], int], shows_traceback: bool) -> int:
    """Do something; however it ends becomes an exit code, and what went wrong is told."""
    try:
        return action()
    except KeyboardInterrupt:
        return 130
    except Terminated as signal:
        return 128 + signal.number
    except (*CONFIG_ERRORS, ValueError) as error:  # ValueError: Hydra's, of flags that don't go together
        problem = ConfigError([explain(error)])
        problem.__cause__ = error
        return tell(problem, shows_traceback)
    except Exception as error:
        return tell(error, shows_traceback)


def tell(error: Exception, shows_traceback: bool) -> int:
    """Print an error to stderr and return its exit code; a traceback only for what no user can mend."""
    if shows_traceback or not isinstance(error, RunnerError | OSError):
        traceback.print_exception(error)
    else:
        print(error, file=sys.stderr)
    return 2 if isinstance(error, ConfigError) else 1


def is_follower() -> bool:
    """Whether torchrun started this process beside a first one, which reads the command line."""
    return int(os.environ.get("WORLD_SIZE", "1")) > 1 and os.environ.get("RANK") != "0"


def run_single(cfg: DictConfig, node: HydraConf, command: str) -> float:
    """Run one experiment and return its objective."""
    with without_collections():
        from runner.config import check

        config = check(to_plain(cfg))  # before mlflow is imported: a mistake is told seconds sooner
        from runner.experiment import run
        from runner.parallel import joined
        from runner.tracking.terminal import Terminal

    launch = launch_of(node, Path(node.runtime.output_dir), command)
    with joined() as workers:
        return run(config, launch, Terminal(), workers).objective


def follow_first() -> int:
    """Be one of torchrun's other processes: the first tells what to train."""
    with without_collections():
        from runner.experiment import follow
        from runner.parallel import joined

    with joined() as workers:
        follow(workers)
    return 0


def end_sweep(folder: Path, code: int) -> int:
    """Close the sweep's parent run, name every job that failed, and return the final exit code."""
    from runner.sweep import parent
    from runner.sweep.record import read_results
    from runner.tracking.tracker import Status

    results = read_results(folder)
    failed = [result for result in results if result.status == "FAILED"]
    for result in failed:
        print(f"job {result.job} ({' '.join(result.overrides)}) failed: {result.reason}", file=sys.stderr)
    if failed:
        print(f"{len(failed)} of {len(results)} jobs failed", file=sys.stderr)
    code = code or int(bool(failed))
    if (folder / PARENT).exists():
        status: Status = "KILLED" if code > 128 else "FAILED" if code else "FINISHED"
        parent.end(folder, status, results)
        print(f"{'look at it with':<22}{parent.find(folder).how_to_look}")
    return code


if __name__ == "__main__":
    main()
