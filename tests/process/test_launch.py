from pathlib import Path

import pytest

from runner.process.launch import Launch


@pytest.mark.parametrize(
    ("differing", "name"),
    [
        ([], "mlp-sgd seed=0"),
        (["model=mlp", "optim=sgd", "optim.lr=0.3"], "mlp-sgd lr=0.3 seed=0"),
        (["seed=2", "train.epochs=5"], "mlp-sgd epochs=5 seed=2"),
        (["data=mnist", "device=cpu"], "mlp-sgd data=mnist device=cpu seed=0"),
        (["+model.layers.l1.bias=false"], "mlp-sgd bias=false seed=0"),
        (["model.layers.l1.out_features=8", "model.layers.l2.out_features=9"],
         "mlp-sgd model.layers.l1.out_features=8 model.layers.l2.out_features=9 seed=0"),
    ],
)  # fmt: skip
def test_a_runs_name_says_what_differs(differing: list[str], name: str) -> None:
    launch = Launch(folder=Path(), model="mlp", differing=tuple(differing), command="")
    assert launch.run_name("sgd", 0) == name
