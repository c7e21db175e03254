from pathlib import Path

import pytest
import sqlalchemy
from mlflow.store.db.utils import create_sqlalchemy_engine_with_retry

from runner.config.sqlite_uri import from_path, to_path


def test_only_sqlite_uris_name_a_file() -> None:
    assert to_path("sqlite:////a/b.db") == Path("/a/b.db")
    assert to_path("sqlite:///b.db") == Path.cwd() / "b.db"
    assert to_path("sqlite:////a/b%20c.db?timeout=3") == Path("/a/b c.db")
    assert to_path("sqlite+pysqlite:////a/b%3F.db") == to_path("sqlite:////a/b%3F.db") == Path("/a/b?.db")
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


@pytest.mark.parametrize("name", ["plain", "what?", "a%20b", "a#b", "a b", "ü", "a;b", "a&b"])
def test_mlflow_makes_no_folder_beside_that_of_the_file(tmp_path: Path, name: str) -> None:
    folder = tmp_path / name
    folder.mkdir()
    engine = create_sqlalchemy_engine_with_retry(from_path(folder / "mlflow.db"))  # type: ignore[no-untyped-call]
    engine.dispose()
    assert [path.name for path in tmp_path.iterdir()] == [name]
