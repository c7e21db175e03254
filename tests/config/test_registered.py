"""Names for MLflow's registry of models are refused before training where MLflow would refuse them after."""

import pytest
from mlflow.exceptions import MlflowException
from mlflow.utils import validation
from pydantic_core import PydanticCustomError

from runner.config.check import check
from runner.config.registered import name_and_alias, registrable
from runner.errors import ConfigError
from tests.config.test_check import plain

GOOD = ["digits", "a digit reader", "digits@champion", "digits.v2@v2-b_1", "é@ü", "me@home@newest"]
BAD = ["", " ", "a/b", "a:b", "..", ".", "..a", "@champion", "digits@", "digits@latest", "digits@LATEST",
       "digits@v1", "digits@a b", "digits@a.b", f"digits@{'a' * 256}", "a/b@c", f"{'a' * 257}"]  # fmt: skip


def takes(word: str) -> bool:
    """Whether MLflow takes a name and an alias, of which it finds the name's length out in its tables."""
    name, alias = name_and_alias(word)
    try:
        validation._validate_model_name(name)
        validation._validate_model_alias_name(alias)  # type: ignore[no-untyped-call]
        validation._validate_model_alias_name_reserved(alias)  # type: ignore[no-untyped-call]
    except MlflowException:
        return False
    return len(name) <= 256


@pytest.mark.parametrize("word", GOOD)
def test_what_mlflow_takes_is_taken(word: str) -> None:
    assert takes(word)
    assert registrable(word) == word


@pytest.mark.parametrize("word", BAD)
def test_what_mlflow_refuses_is_refused(word: str) -> None:
    assert not takes(word)
    with pytest.raises(PydanticCustomError):
        registrable(word)


def test_the_alias_is_newest_if_none_is_said() -> None:
    assert name_and_alias("digits") == ("digits", "newest")
    assert name_and_alias("digits@champion") == ("digits", "champion")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["tracking.register=a/b"],
         "tracking.register: 'a/b' should be a name without / and :, as in digits or digits@champion"),
        (["tracking.register=digits@v1"],
         "tracking.register: 'digits@v1' should have an alias of at most 255 letters, digits, _ and - after "
         "the @, which is neither latest nor a version such as v1"),
        (["tracking.register=digits", "tracking.log_model=false", "tracking.pictures=false"],
         "tracking.log_model: False leaves no model to register as 'digits', use auto"),
        (["+tracking.registr=digits"],
         "tracking.registr: unknown key 'registr'. Did you mean 'register'? "
         "Known: experiment, log_model, offline, "
         "pictures, register, system_metrics, uri"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_key_and_value(words: list[str], told: str) -> None:
    with pytest.raises(ConfigError) as error:
        check(plain(*words))
    assert error.value.problems == [told]
