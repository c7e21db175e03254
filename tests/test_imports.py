"""Imports point down, and what has to answer at once imports nothing slow."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "runner"

# what a part of the package may import from the rest of it; design: __main__ at the top, types at the bottom
MAY_IMPORT = {
    "types": set(),
    "errors": set(),
    "room": {"errors"},
    "unfolding": {"errors"},
    "importing": set(),
    "machine": set(),
    "determinism": {"errors"},
    "signals": set(),
    "launch": set(),
    "objective": set(),
    "torchrun": set(),
    "parallel": {"errors", "torchrun"},
    "engine": set(),
    "nn": {"types"},
    "metrics": {"types"},
    "collected": {"data", "metrics", "parallel", "types"},
    "optim": {"objective", "types"},
    "data": {"types", "errors", "parallel", "room"},
    "registry": {"metrics", "nn", "optim", "data"},
    "schema": {"plain", "types"},
    "plain": set(),
    "sqlite_uri": set(),
    "masking": set(),
    "overrides": {"plain"},
    "plugins": {"errors", "nn", "plain", "registry", "schema", "types"},
    "components": {"nn", "registry", "schema", "errors"},
    "updates": {"components", "errors", "optim", "registry", "schema"},
    "config": {
        "components",
        "objective",
        "plain",
        "plugins",
        "registry",
        "schema",
        "metrics",
        "nn",
        "optim",
        "data",
        "errors",
        "types",
        "updates",
    },
    "build": {"config", "nn", "optim", "plugins", "torchrun", "types", "errors"},
    "snapshot": {"types"},
    "resumable": {"data", "nn", "optim", "snapshot"},
    "checkpoints": {"errors", "plain", "signals", "snapshot"},
    "step": {"data", "engine", "nn", "parallel"},
    "mixed": {"nn"},
    "loop": {
        "resumable",
        "snapshot",
        "collected",
        "metrics",
        "mixed",
        "nn",
        "optim",
        "data",
        "parallel",
        "step",
        "types",
    },
    "stack": {
        "resumable",
        "snapshot",
        "collected",
        "metrics",
        "mixed",
        "nn",
        "optim",
        "data",
        "loop",
        "step",
    },
    "confusion": {"data", "loop", "metrics", "nn", "parallel"},
    "prepare": {"build", "config", "data", "data_input", "errors", "nn", "parallel", "room", "schema"},
    "verdict": {"errors", "loop", "objective", "schema"},
    "exit_code": {"compose", "errors", "signals"},
    "going_on": {"compose", "masking", "overrides", "signals", "tracking"},
    "arguments": {"compose", "errors", "exit_code", "signals"},
    "compose": {"errors", "launch", "overrides", "plain", "sqlite_uri", "unfolding"},
    "saved_model": {"types"},
    "data_input": {"plain", "types"},
    "trained": {"config", "data", "nn", "saved_model", "serving"},
    "serving": {"build", "config", "data", "nn", "plain", "plugins", "types", "errors"},
    "trained_run": {"errors", "plain", "plugins", "serving", "sqlite_uri", "tracking", "unfolding"},
    "evaluate": {
        "arguments",
        "build",
        "completed",
        "compose",
        "config",
        "data",
        "errors",
        "importing",
        "loop",
        "nn",
        "overrides",
        "parallel",
        "plain",
        "plugins",
        "prepare",
        "serving",
        "trained_run",
    },
    "predict": {
        "arguments",
        "build",
        "compose",
        "data",
        "errors",
        "importing",
        "loop",
        "predictions",
        "serving",
        "trained_run",
    },
    "predictions": {"errors", "types"},
    "tracking": {
        "build",
        "config",
        "data_input",
        "errors",
        "launch",
        "loop",
        "masking",
        "nn",
        "objective",
        "overrides",
        "plain",
        "saved_model",
        "signals",
        "sqlite_uri",
    },
    "experiment": {
        "checkpoints",
        "snapshot",
        "build",
        "config",
        "confusion",
        "data",
        "determinism",
        "errors",
        "going_on",
        "launch",
        "loop",
        "machine",
        "nn",
        "parallel",
        "plugins",
        "prepare",
        "tracking",
        "trained",
        "verdict",
    },
    "sweep": {
        "checkpoints",
        "snapshot",
        "build",
        "collected",
        "components",
        "compose",
        "config",
        "confusion",
        "data",
        "data_input",
        "determinism",
        "errors",
        "experiment",
        "importing",
        "launch",
        "loop",
        "machine",
        "masking",
        "nn",
        "objective",
        "optim",
        "parallel",
        "plugins",
        "prepare",
        "saved_model",
        "stack",
        "trained",
        "verdict",
        "overrides",
        "plain",
        "schema",
        "signals",
        "sqlite_uri",
        "tracking",
    },
    "resume": {
        "arguments",
        "checkpoints",
        "compose",
        "config",
        "errors",
        "experiment",
        "importing",
        "launch",
        "machine",
        "parallel",
        "plain",
        "plugins",
        "tracking",
        "trained_run",
    },
    "comparison": set(),
    "completed": {"plain", "schema"},
    "surroundings": {"build", "config", "launch", "machine", "parallel", "tracking", "trained_run"},
    "rerun": {
        "arguments",
        "build",
        "comparison",
        "completed",
        "compose",
        "config",
        "errors",
        "experiment",
        "importing",
        "launch",
        "loop",
        "machine",
        "parallel",
        "plain",
        "plugins",
        "surroundings",
        "tracking",
        "trained_run",
    },
    "sync": {"errors", "exit_code", "signals", "tracking"},
    "task": {
        "compose",
        "config",
        "errors",
        "experiment",
        "importing",
        "parallel",
        "signals",
        "sweep",
        "tracking",
    },
    "api": {"compose", "config", "experiment", "tracking"},
    "__init__": {"api", "errors"},
    "__main__": {
        "rerun",
        "resume",
        "compose",
        "errors",
        "exit_code",
        "experiment",
        "going_on",
        "importing",
        "parallel",
        "signals",
        "sweep",
        "task",
        "torchrun",
        "tracking",
        "unfolding",
    },
}
TORCH_ONLY = ("engine", "nn", "optim", "parallel", "collected", "loop", "stack", "step")
NEVER_IN_THE_FRAMEWORK = {"hydra", "omegaconf", "mlflow"}


def part_of(file: Path) -> str:
    return file.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported(file: Path) -> set[str]:
    modules = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            assert node.module
            modules |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            modules |= {alias.name for alias in node.names}
    return modules


@pytest.mark.parametrize("file", sorted(PACKAGE.rglob("*.py")), ids=lambda f: str(f.relative_to(PACKAGE)))
def test_imports_point_down(file: Path) -> None:
    part = part_of(file)
    parts = {module.split(".")[1] for module in imported(file) if module.startswith("runner.")}
    assert parts - {part} <= MAY_IMPORT[part]


@pytest.mark.parametrize("file", sorted(PACKAGE.rglob("*.py")), ids=lambda f: str(f.relative_to(PACKAGE)))
def test_the_framework_knows_nothing_of_config_and_tracking(file: Path) -> None:
    roots = {module.split(".")[0] for module in imported(file)}
    if part_of(file) in (*TORCH_ONLY, "data"):
        assert not roots & NEVER_IN_THE_FRAMEWORK
    if part_of(file) in TORCH_ONLY:
        assert roots - sys.stdlib_module_names <= {"torch", "runner"}


@pytest.mark.parametrize("arguments", [["--help"], ["--cfg", "job", "--resolve"]], ids=" ".join)
def test_help_and_config_are_shown_without_importing_torch_or_mlflow(arguments: list[str]) -> None:
    program = (
        "import sys, runpy; sys.argv = ['runner', *sys.argv[1:]]\n"
        "try:\n    runpy.run_module('runner', run_name='__main__')\n"
        "finally:\n    print({'torch', 'mlflow', 'sklearn', 'matplotlib', 'torchmetrics'} & set(sys.modules))"
    )
    shown = subprocess.run(
        [sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=True
    )
    assert shown.stdout.splitlines()[-1] == "set()"
    assert "momentum" in shown.stdout or "lr:" in shown.stdout


@pytest.mark.parametrize(
    ("module", "importer"),
    [
        ("matplotlib", "sweep/plots.py"),
        ("matplotlib", "sweep/axes.py"),
        ("runner.sweep.plots", "sweep/report_writer.py"),
    ],
)
def test_only_the_end_of_a_sweep_imports_what_draws(module: str, importer: str) -> None:
    importers = {
        str(file.relative_to(PACKAGE))
        for file in PACKAGE.rglob("*.py")
        if any(name == module or name.startswith(f"{module}.") for name in imported(file))
    }
    assert importer in importers
    assert importers <= {"sweep/plots.py", "sweep/axes.py", "sweep/report_writer.py"}
