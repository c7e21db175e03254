"""Imports point down, and what has to answer at once imports nothing slow."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "runner"

# what each part of the package may import from the others; a module that is named is a part of its own
MAY_IMPORT = {
    "types": set(),
    "errors": set(),
    "objective": set(),
    "metrics": {"types"},
    "pictures": {"objective"},
    "process": {"errors"},
    "engine": set(),
    "nn": {"types"},
    "optim": {"objective", "types"},
    "data": {"errors", "process", "types"},
    "registry": {"data", "metrics", "nn", "optim"},
    "config.plain": set(),
    "config.registered": set(),
    "config.schema": {"config.plain", "config.registered", "types"},
    "plugins": {"config.plain", "config.schema", "errors", "nn", "registry", "types"},
    "config": {
        "config.plain", "config.schema", "data", "errors", "metrics", "nn", "objective", "optim",
        "plugins", "process", "registry", "types",
    },
    "build": {"config", "config.plain", "errors", "nn", "optim", "plugins", "process", "types"},
    "training": {
        "config.schema", "data", "engine", "errors", "metrics", "nn", "objective", "optim",
        "process", "types",
    },
    "checkpoints": {"config.plain", "errors", "process", "training"},
    "tracking": {
        "build", "config", "config.plain", "errors", "nn", "objective", "process", "training",
        "types",
    },
    "prepare": {"build", "config", "config.schema", "data", "errors", "nn", "process", "tracking"},
    "trained": {
        "build", "config", "config.plain", "data", "errors", "nn", "plugins", "tracking",
        "training", "types",
    },
    "going_on": {"config", "process", "tracking"},
    "experiment": {
        "build", "checkpoints", "config", "config.plain", "data", "errors", "going_on", "nn",
        "plugins", "prepare", "process", "tracking", "trained", "training",
    },
    "sweep": {
        "build", "checkpoints", "config", "config.plain", "config.schema", "data", "errors",
        "experiment", "nn", "objective", "optim", "pictures", "plugins", "prepare", "process",
        "tracking", "trained", "training",
    },
    "commands.exit_code": {"config", "errors", "process"},
    "commands.arguments": {"commands.exit_code", "config", "errors", "process"},
    "again": {
        "build", "checkpoints", "commands.arguments", "config", "config.plain", "config.schema",
        "errors", "experiment", "plugins", "process", "tracking", "trained", "training",
    },
    "commands": {
        "again", "build", "commands.arguments", "commands.exit_code", "config", "config.plain",
        "data", "errors", "nn", "plugins", "prepare", "process", "tracking", "trained", "training",
    },
    "evaluate": {"commands"},
    "predict": {"commands"},
    "sync": {"commands"},
    "task": {"config", "errors", "experiment", "process", "sweep", "tracking"},
    "api": {"config", "experiment", "tracking"},
    "__init__": {"api", "errors"},
    "__main__": {
        "again", "commands.exit_code", "config", "errors", "experiment", "going_on", "process",
        "sweep", "task", "tracking",
    },
}  # fmt: skip
TORCH_ONLY = ("engine", "nn", "optim", "training")
NEVER_IN_THE_FRAMEWORK = {"hydra", "omegaconf", "mlflow"}


def part_of(module: str) -> str:
    """The part that a module of the package is in, by its dotted name there."""
    names = module.split(".")
    whole = [".".join(names[:end]) for end in range(len(names), 0, -1)]
    return next((name for name in whole if name in MAY_IMPORT), names[0])


def module_of(file: Path) -> str:
    return ".".join(file.relative_to(PACKAGE).with_suffix("").parts)


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
    part = part_of(module_of(file))
    ours = {name.removeprefix("runner.") for name in imported(file) if name.startswith("runner.")}
    assert {part_of(name) for name in ours} - {part} <= MAY_IMPORT[part]


def test_no_two_parts_import_each_other() -> None:
    left = dict(MAY_IMPORT)
    while left:
        lowest = [part for part, others in left.items() if not others & left.keys()]
        assert lowest, f"in a circle: {left}"
        for part in lowest:
            del left[part]


@pytest.mark.parametrize("file", sorted(PACKAGE.rglob("*.py")), ids=lambda f: str(f.relative_to(PACKAGE)))
def test_the_framework_knows_nothing_of_config_and_tracking(file: Path) -> None:
    roots = {module.split(".")[0] for module in imported(file)}
    part = part_of(module_of(file))
    if part in (*TORCH_ONLY, "data"):
        assert not roots & NEVER_IN_THE_FRAMEWORK
    if part in TORCH_ONLY:
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
        ("matplotlib", "sweep/report/plots.py"),
        ("matplotlib", "pictures/axes.py"),
        ("runner.pictures.axes", "sweep/report/plots.py"),
        ("runner.sweep.report.plots", "sweep/report/writer.py"),
    ],
)
def test_only_the_end_of_a_sweep_imports_what_draws(module: str, importer: str) -> None:
    importers = {
        str(file.relative_to(PACKAGE))
        for file in PACKAGE.rglob("*.py")
        if any(name == module or name.startswith(f"{module}.") for name in imported(file))
    }
    assert importer in importers
    assert importers <= {
        "pictures/axes.py", "pictures/figure.py", "sweep/report/plots.py", "sweep/report/writer.py",
    }  # fmt: skip
