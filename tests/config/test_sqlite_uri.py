from pathlib import Path

import pytest
import sqlalchemy

from runner.config.sqlite_uri import from_path, to_path


def test_only_sqlite_uris_name_a_file() -> None:
    assert to_path("sqlite:////a/b.db") == Path("/a/b.db")
    assert to_path("sqlite:///b.db") == Path.cwd() / "b.db"
    assert to_path("sqlite:////a/b%20c.db?timeout=3") == Path("/a/b c.db")
    assert to_path("sqlite:///:memory:") is None
    assert to_path("http://localhost:5000") is None


@pytest.mark.parametrize(
    "name", ["plain.db", "with space.db", "100%.db", "why?.db", "a#b.db", "%20.db", "é.db"]
)
def test_a_path_stays_the_path_that_sqlalchemy_opens(tmp_path: Path, name: str) -> None:
    uri = from_path(tmp_path / name)
    assert to_path(uri) == tmp_path / name
    engine = sqlalchemy.create_engine(uri)
    engine.connect().close()
    engine.dispose()
    assert [path.name for path in tmp_path.iterdir()] == [name]
