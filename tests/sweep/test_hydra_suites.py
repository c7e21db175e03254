"""Our launchers, and those that are installed beside them, as Hydra's own suites want launchers to be."""

from importlib.util import find_spec

import pytest
from _pytest.mark import ParameterSet
from hydra.test_utils.launcher_common_tests import (
    BatchedSweeperTestSuite,
    IntegrationTestSuite,
    LauncherTestSuite,
)

pytestmark = [
    pytest.mark.usefixtures("version_1_1"),
    pytest.mark.filterwarnings("ignore:Future Hydra versions:UserWarning"),
]

OURS = ("stacked", "ray")
PUBLISHED = {
    "joblib": "hydra_plugins.hydra_joblib_launcher",
    "submitit_local": "hydra_plugins.hydra_submitit_launcher",
}


def each(*values: object) -> list[ParameterSet]:
    """The values for each launcher, whose name is filled in."""
    return [
        pytest.param(*(filled(value, name) for value in values), id=name, marks=marks(name))
        for name in (*OURS, *PUBLISHED)
    ]


def filled(value: object, name: str) -> object:
    if isinstance(value, list):
        return [filled(item, name) for item in value]
    return value.format(name) if isinstance(value, str) else value


def marks(name: str) -> list[pytest.MarkDecorator]:
    if name in OURS:
        return []
    missing = find_spec(PUBLISHED[name]) is None
    return [pytest.mark.slow, pytest.mark.skipif(missing, reason=f"the launcher {name} is not installed")]


@pytest.mark.parametrize(("launcher_name", "overrides"), each("{}", []))
class TestLauncher(LauncherTestSuite):
    pass


@pytest.mark.parametrize(
    ("launcher_name", "overrides"), each("{}", ["hydra/sweeper=basic", "hydra.sweeper.max_batch_size=2"])
)
class TestInBatches(BatchedSweeperTestSuite):
    pass


@pytest.mark.slow
@pytest.mark.parametrize(("task_launcher_cfg", "extra_flags"), each({}, ["-m", "hydra/launcher={}"]))
class TestProgram(IntegrationTestSuite):
    pass
