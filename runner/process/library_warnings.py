"""Warnings that a store's libraries give of themselves: no user can mend them, and none ends a run."""

import warnings

LIBRARIES = r"(mlflow|sqlalchemy|alembic)(\.|$)"


def ignore_warnings_of_libraries() -> None:
    """Ignore them, also where warnings are errors (``python -W error``)."""
    for category in (DeprecationWarning, FutureWarning, UserWarning):
        warnings.filterwarnings("ignore", category=category, module=LIBRARIES)
