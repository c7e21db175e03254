"""What Hydra's own suites want to find."""

from collections.abc import Iterator

import pytest
from hydra.version import VersionBase, __compat_version__


@pytest.fixture
def version_1_1() -> Iterator[None]:
    """Hydra's suites are written for programs that name no version; an earlier test may have named one."""
    before = VersionBase.instance().version_base
    VersionBase.instance().setbase(__compat_version__)
    yield
    VersionBase.instance().version_base = before  # which may be none: setbase would refuse that
