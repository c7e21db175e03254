"""Sizes of layers that a config leaves open."""

from pathlib import Path

import pytest

import runner
from runner.commands.arguments import parse
from runner.commands.evaluate import KNOWN, evaluate
from runner.config.check import check
from runner.errors import ConfigError, DataError
from tests.config.test_check import plain, said_of

LANGUAGE = ["model=language", "data=text", "data.file=a.txt", "data.length=8"]


@pytest.fixture
def text(in_tmp_path: Path) -> str:
    Path("a.txt").write_text("abcde" * 100)
    return f"data.root={in_tmp_path}"


def test_a_text_has_as_many_embeddings_as_characters(text: str) -> None:
    assert said_of(check(plain(*LANGUAGE, text)), "embed")["num_embeddings"] == 5


def test_of_other_data_their_number_has_to_be_told() -> None:
    with pytest.raises(ConfigError) as error:
        check(plain("model=language", "data=iris"))
    assert error.value.problems == ["model.layers.embed.num_embeddings: missing, embedding needs it"]


def test_a_model_of_language_learns_and_is_evaluated(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    result = runner.run([*LANGUAGE, text, "optim=adam", "train.epochs=20", "train.batch_size=16"])
    assert result.epochs[-1].metrics["test/accuracy"] > 0.8
    evaluate(parse([f"run={result.run_id}", f"tracking.uri={result.tracking_uri}"], KNOWN))
    assert f"{result.epochs[-1].metrics['test/accuracy']:.6g}" in capsys.readouterr().out


def test_indices_that_an_embedding_has_not_are_told_before_training(text: str) -> None:
    with pytest.raises(DataError) as error:
        runner.run([*LANGUAGE, text, "+model.layers.embed.num_embeddings=3"])
    told = "model.layers.embed: has the indices 0 to 2, the train part of the data has 0 to 4"
    assert str(error.value) == told
