import pytest
import torch

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
