import pytest
import torch
from torch import Tensor

from runner.nn.store import Fill, ParameterStore


def fill_with(value: float) -> Fill:
    def fill(tensor: torch.Tensor, generator: torch.Generator) -> None:
        tensor.fill_(value)

    return fill


@pytest.fixture
def store() -> ParameterStore:
    store = ParameterStore()
    scope = store.scope("l1")
    scope.allocate("W", (2, 3), fill_with(1))
    scope.allocate("b", (1, 3), fill_with(2))
    store.seal(torch.Generator())
    return store


def test_addresses_name_consecutive_slices_of_one_buffer(store: ParameterStore) -> None:
    assert list(store.addresses) == ["l1.W", "l1.b"]
    assert store.params.tolist() == [1] * 6 + [2] * 3
    W = store[store.addresses["l1.W"]]
    assert W.shape == (2, 3)
    assert W.data_ptr() == store.params.data_ptr()
    assert store.params.is_contiguous()


def test_a_backward_pass_writes_into_the_gradient_buffer(store: ParameterStore) -> None:
    pointer = store.grads.data_ptr()
    W, b = (store[address] for address in store.addresses.values())
    torch.autograd.backward((3 * W).sum() + (5 * b).sum())
    assert store.grads.tolist() == [3] * 6 + [5] * 3
    store.zero_grads()
    torch.autograd.backward((7 * W).sum())
    assert store.grads.tolist() == [7] * 6 + [0] * 3
    assert store.grads.data_ptr() == pointer


def test_an_update_of_the_buffer_is_seen_through_the_addresses(store: ParameterStore) -> None:
    store.params.add_(1)
    assert store[store.addresses["l1.b"]].tolist() == [[3, 3, 3]]


def test_a_name_is_given_once(store: ParameterStore) -> None:
    fresh = ParameterStore()
    fresh.allocate("W", (1,), fill_with(0))
    with pytest.raises(ValueError, match=r"W: a parameter of this name is in the store already"):
        fresh.allocate("W", (1,), fill_with(0))


def test_a_sealed_store_takes_no_more(store: ParameterStore) -> None:
    with pytest.raises(ValueError, match="sealed"):
        store.allocate("late", (1,), fill_with(0))
    with pytest.raises(ValueError, match="sealed already"):
        store.seal(torch.Generator())


def test_more_parameters_than_memory_holds_are_told() -> None:
    vast = ParameterStore()
    vast.allocate("W", (10**8, 10**8), fill_with(0))
    with pytest.raises(MemoryError, match="no room for 10,000,000,000,000,000 parameters"):
        vast.seal(torch.Generator())


def test_values_are_loaded_by_name(store: ParameterStore) -> None:
    values = {name: torch.randn(address.shape) for name, address in store.addresses.items()}
    store.load(values)
    assert all(torch.equal(values[name], value) for name, value in store.named_parameters().items())


def test_loading_refuses_other_names_and_shapes(store: ParameterStore) -> None:
    values = store.named_parameters()
    with pytest.raises(ValueError, match=r"not on both sides: l1\.b"):
        store.load({"l1.W": values["l1.W"]})
    with pytest.raises(ValueError, match=r"l1\.b: has shape \(1, 3\), got \(3,\)"):
        store.load(values | {"l1.b": torch.zeros(3)})


def test_a_store_without_parameters_can_be_sealed() -> None:
    store = ParameterStore()
    store.seal(torch.Generator())
    assert store.params.shape == store.grads.shape == (0,)


def ones(entry: Tensor, _: torch.Generator) -> None:
    entry.fill_(1.0)


def zeros(entry: Tensor, _: torch.Generator) -> None:
    entry.zero_()


def with_buffer() -> ParameterStore:
    store = ParameterStore()
    store.scope("norm").allocate("W", (2,), ones)
    store.scope("norm").allocate_buffer("mean", (3,), 0.5)
    store.scope().allocate("b", (1,), zeros)
    store.seal(torch.Generator())
    return store


def test_what_is_not_trained_lies_apart_and_is_saved_with_the_rest() -> None:
    store = with_buffer()
    assert (store.size, store.buffers_size) == (3, 3)
    assert store.buffers.tolist() == [0.5] * 3
    assert list(store.named_parameters()) == ["norm.W", "b"]
    assert list(store.state_dict()) == ["norm.W", "norm.mean", "b"]
    store[store.addresses["norm.mean"]].add_(1)
    assert store.buffers.tolist() == [1.5] * 3
    other = with_buffer()
    other.load(store.state_dict())
    assert torch.equal(other.buffers, store.buffers)


def test_gradients_reach_parameters_alone() -> None:
    store = with_buffer()
    store.backward(store[store.addresses["norm.W"]].sum() * store[store.addresses["norm.mean"]].sum())
    assert store.grads.tolist() == [1.5, 1.5, 0]


def test_a_moving_average_is_what_predicts_and_what_is_left_in_the_end() -> None:
    store = with_buffer()
    store.keep_average(0.75)
    store.params.add_(4)
    store.update_average()
    with store.evaluating():
        assert not store.training
        assert store.params.tolist() == [2, 2, 1]
    assert store.training
    assert store.params.tolist() == [5, 5, 4]
    store.settle()
    assert store.params.tolist() == [2, 2, 1]


def test_what_is_remembered_comes_back_in_the_end() -> None:
    store = with_buffer()
    store.remember()
    store.params.add_(1)
    store.buffers.add_(1)
    store.remember()
    store.params.add_(1)
    store.settle()
    assert store.params.tolist() == [2, 2, 1]
    assert store.buffers.tolist() == [1.5] * 3
