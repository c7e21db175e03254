"""JAX: a whole epoch as one compiled program, a scan over the batches, each gathered where it is used.

Parameters and velocity are donated, so the update is written in place. The short last batch is a step of its
own, after the scan and in the same program.
"""

import os
from time import perf_counter

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from benchmarks.programs import task as common
from benchmarks.programs.task import BATCH, BETA, Task, Timing, time_epochs

Params = dict[str, Array]
State = tuple[Params, Params]


def draw_params(random: np.random.Generator, inputs: int = 784) -> Params:
    """``inputs``-128-10, each uniform within 1/sqrt(fan_in)."""
    shapes = {"W1": (inputs, 128), "b1": (128,), "W2": (128, 10), "b2": (10,)}
    bounds = {"1": inputs**-0.5, "2": 128**-0.5}
    return {
        name: jnp.asarray(random.uniform(-bounds[name[1]], bounds[name[1]], shape), jnp.float32)
        for name, shape in shapes.items()
    }


def loss_of(params: Params, x: Array, y: Array) -> Array:
    """Mean cross-entropy of a batch."""
    hidden = jax.nn.relu(x @ params["W1"] + params["b1"])
    log_probabilities = jax.nn.log_softmax(hidden @ params["W2"] + params["b2"])
    return -jnp.take_along_axis(log_probabilities, y[:, None], axis=1).mean()


def epoch_of(state: State, images: Array, labels: Array, order: Array, lr: float) -> tuple[State, Array]:
    """Train once through the data in the given order; returns the mean loss too."""

    def step(state: State, indices: Array) -> tuple[State, Array]:
        params, velocity = state
        loss, grads = jax.value_and_grad(loss_of)(params, images[indices], labels[indices])
        velocity = jax.tree.map(lambda v, g: BETA * v + (1 - BETA) * g, velocity, grads)
        params = jax.tree.map(lambda p, v: p - lr * v, params, velocity)
        return (params, velocity), loss

    full, rest = divmod(len(order), BATCH)
    state, losses = lax.scan(step, state, order[: full * BATCH].reshape(full, BATCH))
    total = losses.sum()
    if rest:
        state, last = step(state, order[full * BATCH :])
        total += last
    return state, total / (full + bool(rest))


def measure(task: Task) -> Timing:
    """Compile, train and time."""
    os.sched_setaffinity(
        0, sorted(os.sched_getaffinity(0))[: task.threads]
    )  # JAX takes what cores it may use
    images, labels = (jnp.asarray(array) for array in task.mnist())
    random = np.random.default_rng(0)
    params = draw_params(random)
    state: State = (params, jax.tree.map(jnp.zeros_like, params))

    def draw_order() -> Array:
        return jnp.asarray(random.permutation(len(labels)).astype(np.int32))

    started = perf_counter()
    jitted = jax.jit(epoch_of, static_argnames="lr", donate_argnums=0)
    some_order = jnp.arange(len(labels), dtype=jnp.int32)
    compiled = jitted.lower(state, images, labels, some_order, lr=task.lr).compile()
    compile_seconds = perf_counter() - started

    def epoch() -> float:
        nonlocal state
        state, loss = compiled(state, images, labels, draw_order())
        for leaf in jax.tree.leaves(state):
            leaf.block_until_ready()
        return float(loss)

    timing = time_epochs(task, epoch)
    return Timing(timing.seconds, timing.losses, compile_seconds)


if __name__ == "__main__":
    common.main(measure)
