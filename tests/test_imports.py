"""Imports point down, and what has to answer at once imports nothing slow."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from runner.commands.table import COMMANDS

PACKAGE = Path(__file__).resolve().parent.parent / "runner"

# what each part of the package may import from the others; a module that is named is a part of its own
MAY_IMPORT = {
    "types": set(),
    "errors": set(),
    "objective": set(),
    "metrics": {"objective", "types"},
    "pictures": {"objective"},
    "process": {"errors"},
    "engine": {"process"},
    "nn": {"types"},
    "optim": {"objective", "types"},
    "data": {"errors", "process", "types"},
    "registry": {"data", "metrics", "nn", "optim"},
    "config.plain": set(),
    "config.registered": set(),
    "config.schema": {"config.plain", "config.registered", "types"},
    "plugins": {"config.plain", "config.schema", "data", "errors", "nn", "registry", "types"},
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
        "build", "config", "config.plain", "config.schema", "errors", "nn", "objective", "process",
        "training", "types",
    },
    "prepare": {"build", "config", "config.schema", "data", "errors", "nn", "process", "tracking"},
    "trained": {
        "build", "config", "config.plain", "data", "errors", "nn", "pictures", "plugins", "process",
        "tracking", "training", "types",
    },
    "handover": {"checkpoints", "config", "errors", "plugins", "process", "tracking", "trained"},
    "reports": {"errors", "objective", "pictures", "tracking", "trained"},
    "going_on": {"config", "process", "tracking"},
    "experiment": {
        "build", "checkpoints", "config", "config.plain", "config.schema", "data", "errors",
        "going_on", "nn",
        "plugins", "prepare", "process", "tracking", "trained", "training",
    },
    "sweep": {
        "build", "checkpoints", "config", "config.plain", "config.schema", "data", "errors",
        "experiment", "nn", "objective", "optim", "pictures", "plugins", "prepare", "process",
        "reports", "tracking", "trained", "training",
    },
    "commands.exit_code": {"config", "errors", "process", "tracking"},
    "commands.arguments": {"commands.exit_code", "config", "errors", "process"},
    "commands.together": {"commands.exit_code", "experiment", "process"},
    "again": {
        "build", "checkpoints", "commands.arguments", "config", "config.plain", "config.schema",
        "errors", "experiment", "plugins", "prepare", "process", "tracking", "trained", "training",
    },
    "commands": {
        "again", "build", "commands.arguments", "commands.exit_code", "commands.together", "config",
        "config.plain", "data", "errors", "going_on", "handover", "nn", "pictures", "plugins", "prepare",
        "process", "reports", "sweep", "tracking", "trained", "training",
    },
    "evaluate": {"commands"},
    "predict": {"commands"},
    "report": {"commands"},
    "export": {"commands"},
    "sync": {"commands"},
    "task": {"config", "errors", "experiment", "process", "sweep", "tracking"},
    "api": {"config", "experiment", "process", "tracking"},
    "__init__": {"api", "errors"},
    "command_line": {
        "commands.exit_code", "commands.together", "config", "errors", "going_on", "process", "sweep",
        "task", "tracking",
    },
    "__main__": {
        "command_line", "commands", "commands.arguments", "commands.exit_code", "errors", "process",
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


SLOW = ("torch", "mlflow", "sklearn", "matplotlib", "torchmetrics", "pandas", "rich", "pydantic")


def shown_and_imported(module: str, *arguments: str) -> tuple[str, set[str]]:
    """What ``python -m module`` prints, and what it has imported of that which takes long."""
    program = (
        f"import sys, runpy; sys.argv = ['{module}', *sys.argv[1:]]\n"
        f"try:\n    runpy.run_module('{module}', run_name='__main__')\n"
        f"finally:\n    print(*{{'hydra', 'omegaconf', *{SLOW}}} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=True
    )
    *lines, names = done.stdout.split("\n")[:-1]
    return "\n".join(lines), set(names.split())


@pytest.mark.parametrize("arguments", [["--help"], ["--cfg", "job", "--resolve"]], ids=" ".join)
def test_help_and_config_are_shown_without_importing_torch_or_mlflow(arguments: list[str]) -> None:
    shown, names = shown_and_imported("runner", *arguments)
    assert names == {"hydra", "omegaconf"}
    assert "momentum" in shown or "lr:" in shown


@pytest.mark.parametrize("name", COMMANDS)
def test_a_commands_help_is_shown_without_importing_even_hydra(name: str) -> None:
    shown, names = shown_and_imported("runner", name, "--help")
    assert names == set()
    assert shown.startswith(f"runner {name}")


@pytest.mark.parametrize("name", ["evaluate", "predict", "sync"])
def test_a_commands_module_is_the_same_program(name: str) -> None:
    assert shown_and_imported(f"runner.{name}", "-h") == shown_and_imported("runner", name, "-h")


DRAW = (
    "pictures/",
    "trained/pictures.py",
    "trained/drawing.py",
    "reports/",
    "sweep/report/",
    "commands/report.py",
)
"""What is imported when something is to be drawn, and not before."""


@pytest.mark.parametrize(
    ("module", "importer"),
    [
        ("matplotlib", "sweep/report/plots.py"),
        ("jinja2", "reports/html.py"),
        ("runner.pictures", "sweep/report/pictures.py"),
        ("runner.reports", "sweep/report/page.py"),
        ("runner.sweep.report.pictures", "sweep/report/writer.py"),
        ("sklearn.ensemble", "sweep/report/forest.py"),
        ("runner.pictures.confusion", "trained/pictures.py"),
        ("runner.trained.pictures", "trained/drawing.py"),
    ],
)
def test_only_what_draws_imports_what_is_needed_for_it(module: str, importer: str) -> None:
    importers = {
        str(file.relative_to(PACKAGE))
        for file in PACKAGE.rglob("*.py")
        if any(name == module or name.startswith(f"{module}.") for name in imported(file))
    }
    assert importer in importers
    assert [name for name in importers if not name.startswith(DRAW)] == []
