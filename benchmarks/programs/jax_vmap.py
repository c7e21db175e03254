"""JAX: an epoch of many members as one compiled program, a scan over the batches of a vmap over the members.

Each member has its own order, learning rate and momentum, and gathers its own batches where they are used.
What ``jax_scan`` says of the rest holds here too. Members may be computed a block at a time.
"""

import os
from collections.abc import Callable, Sequence
from functools import partial
from time import perf_counter

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from benchmarks.programs import grid as common
from benchmarks.programs.grid import Grid, Member, Trained
from benchmarks.programs.jax_scan import Params, State, draw_params, loss_of
from benchmarks.programs.task import BATCH
from runner.data.digits import Digits

Block = Sequence[tuple[Member, np.random.Generator]]
Epoch = Callable[[State, Array, Array, Array], tuple[State, Array]]


def step_of(
    params: Params, velocity: Params, x: Array, y: Array, lr: Array, beta: Array
) -> tuple[Params, Params, Array]:
    """One member's step on one batch."""
    loss, grads = jax.value_and_grad(loss_of)(params, x, y)
    velocity = jax.tree.map(lambda v, g: beta * v + (1 - beta) * g, velocity, grads)
    return jax.tree.map(lambda p, v: p - lr * v, params, velocity), velocity, loss


def epoch_of(
    images: Array, labels: Array, state: State, orders: Array, lrs: Array, betas: Array
) -> tuple[State, Array]:
    """Train all members of a block once through the data, in orders ``[K, N]``; their mean losses ``[K]``."""

    def step(state: State, indices: Array) -> tuple[State, Array]:
        params, velocity, losses = jax.vmap(step_of)(*state, images[indices], labels[indices], lrs, betas)
        return (params, velocity), losses

    members, samples = orders.shape
    full, rest = divmod(samples, BATCH)
    batches = orders[:, : full * BATCH].reshape(members, full, BATCH).swapaxes(0, 1)
    state, losses = lax.scan(step, state, batches)
    total = losses.sum(0)
    if rest:
        state, last = step(state, orders[:, full * BATCH :])
        total += last
    return state, total / (full + bool(rest))


def first_state(block: Block, inputs: int) -> State:
    """The members' initial values, each drawn by its own generator."""
    each = [draw_params(random, inputs) for _, random in block]
    params = jax.tree.map(lambda *leaves: jnp.stack(leaves), *each)
    return params, jax.tree.map(jnp.zeros_like, params)


def compile_for(members: int, state: State, images: Array, labels: Array) -> Epoch:
    """``epoch_of`` on the data for any block of so many members; ``state`` is one's."""
    numbers = jnp.zeros(members)
    orders = jnp.zeros((members, len(labels)), jnp.int32)
    jitted = jax.jit(epoch_of, donate_argnums=2)
    return partial(jitted.lower(images, labels, state, orders, numbers, numbers).compile(), images, labels)


def train(block: Block, state: State, epoch: Epoch, epochs: int, samples: int) -> list[tuple[float, float]]:
    """Train a block; for each epoch its seconds, and the sum of its members' losses."""
    lrs = jnp.array([member.lr for member, _ in block])
    betas = jnp.array([member.beta for member, _ in block])
    found = []
    for _ in range(epochs):
        started = perf_counter()
        orders = np.stack([random.permutation(samples) for _, random in block])
        state, losses = epoch(state, jnp.asarray(orders.astype(np.int32)), lrs, betas)
        for leaf in jax.tree.leaves(state):
            leaf.block_until_ready()
        total = float(np.asarray(losses).sum())
        found.append((perf_counter() - started, total))
    return found


def measure(grid: Grid) -> Trained:
    """Compile, once for each size of a block, train and time."""
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: grid.threads])  # JAX takes what it may use
    split = Digits().load().train.first(grid.limit or None)
    images, labels = jnp.asarray(split.samples.flatten(1).numpy()), jnp.asarray(split.targets.numpy())
    members = [(member, np.random.default_rng(number)) for number, member in enumerate(grid.each)]
    size = grid.block or grid.members
    programs: dict[int, Epoch] = {}
    compile_seconds, found = 0.0, []
    for start in range(0, len(members), size):
        block = members[start : start + size]
        state = first_state(block, images.shape[1])
        if len(block) not in programs:
            started = perf_counter()
            programs[len(block)] = compile_for(len(block), state, images, labels)
            compile_seconds += perf_counter() - started
        found.append(train(block, state, programs[len(block)], grid.epochs, len(labels)))
    by_epoch = list(zip(*found, strict=True))
    return Trained(
        epochs=[sum(seconds for seconds, _ in blocks) / len(members) for blocks in by_epoch],
        losses=[sum(losses for _, losses in blocks) / len(members) for blocks in by_epoch],
        compile_seconds=compile_seconds,
    )


if __name__ == "__main__":
    common.main(measure)
