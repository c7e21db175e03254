"""What a developer runs: ``nox -l`` lists it, ``nox -s lint types tests`` does three of them.

All but ``pythons`` use the environment that nox runs in: torch takes gigabytes, one copy is enough.
"""

import nox

nox.options.sessions = ["lint", "types", "tests"]

HERE = {"venv_backend": "none"}


@nox.session(**HERE)
def lint(session: nox.Session) -> None:
    """Style: rules and layout."""
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")


@nox.session(**HERE)
def types(session: nox.Session) -> None:
    """Types, strictly."""
    session.run("mypy")


@nox.session(**HERE)
def tests(session: nox.Session) -> None:
    """The quick tests, a few minutes on two cores; arguments after ``--`` are pytest's."""
    session.run("pytest", *session.posargs)


@nox.session(name="tests-all", **HERE)
def tests_all(session: nox.Session) -> None:
    """The quick tests and the slow ones, most of an hour."""
    session.run("pytest")
    session.run("pytest", "-m", "slow")


@nox.session(**HERE)
def benchmarks(session: nox.Session) -> None:
    """Speed beside other programs; arguments after ``--`` are those of ``python -m benchmarks``."""
    session.run("python", "-m", "benchmarks", *session.posargs)


@nox.session(python=["3.11", "3.12", "3.13"])
def pythons(session: nox.Session) -> None:
    """The quick tests on each Python that is supported, in an environment of its own."""
    session.install("-e", ".[test]")
    session.run("pytest", *session.posargs)
