import pytest
import torch

from runner.build import build, find_device
from runner.config.check import Config, check
from runner.config.compose import compose_run
from runner.errors import ConfigError
from tests.config.test_check import plain


def config(*overrides: str) -> Config:
    return check(plain(*overrides))


def test_sizes_follow_from_the_data() -> None:
    parts = build(config("data=mnist"))
    shapes = {name: address.shape for name, address in parts.store.addresses.items()}
    assert shapes == {"l1.W": (784, 128), "l1.b": (1, 128), "l2.W": (128, 10), "l2.b": (1, 10)}


def test_building_gives_no_parameter_a_value() -> None:
    assert not build(config()).store.sealed


def test_a_layer_that_cannot_take_what_arrives_is_named_with_the_one_before() -> None:
    with pytest.raises(ConfigError) as error:
        build(config("+model.layers.l1.in_features=784"))
    assert error.value.problems == ["model.layers.l1: expects 784 inputs, gets 64 from model.layers.flat"]


def test_a_model_has_to_give_what_the_data_needs() -> None:
    with pytest.raises(ConfigError) as error:
        build(config("+model.layers.l2.out_features=12"))
    assert error.value.problems == ["model.layers.l2: gives [12] a sample, data.type 'digits' needs [10]"]


def test_a_model_without_parameters_is_refused() -> None:
    with pytest.raises(ConfigError, match="none of them has parameters"):
        build(config("data=linear", "data.features=1", "loss=mse", "~model.layers.l1", "~model.layers.l2"))


def test_weights_and_batch_order_follow_from_the_seed_alone() -> None:
    def drawn(seed: int, width: int) -> tuple[torch.Tensor, torch.Tensor]:
        parts = build(config(f"seed={seed}", f"model.layers.l1.out_features={width}"))
        parts.store.seal(parts.init_generator)
        return parts.store.params, torch.randperm(100, generator=parts.order_generator)

    assert all(torch.equal(a, b) for a, b in zip(drawn(1, 8), drawn(1, 8), strict=True))
    assert not any(torch.equal(a, b) for a, b in zip(drawn(1, 8), drawn(2, 8), strict=True))
    assert torch.equal(drawn(1, 8)[1], drawn(1, 16)[1]), "the order does not depend on the model"


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_a_gpu_that_is_not_there_is_an_error() -> None:
    assert find_device("auto").type == "cpu"
    with pytest.raises(ConfigError, match="device: 'cuda' is not here"):
        find_device("cuda")


def test_batch_norm_over_batches_of_one_is_told() -> None:
    normed = ["model.layers.a1.type=batch_norm1d", "train.batch_size=1"]
    with pytest.raises(ConfigError, match=r"train\.batch_size: 1 leaves the batch norm 'a1' one value"):
        build(check(compose_run(normed, None).plain))
