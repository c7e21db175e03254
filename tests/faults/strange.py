"""What hypothesis draws for the fault tests, and what may come of it."""

import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

WORDS = (
    "", " ", "null", "true", "nan", "-inf", "1e400", "0x10", "1_000", "ten", "\uff13", "\u202e", "🦊",
    "../x", "../../etc/passwd", "/etc/passwd", "~nobody/x", "a\0b", "a\nb", "%s", "%00", "a;b", "'", '"',
    "\\", "???", "${seed}", "${oc.env:HOME}", "_target_", "os.system", "__class__", "torch.nn.Module",
    "builtins.eval", "x" * 5000,
)  # fmt: skip
"""Texts that mean something to somebody."""

NUMBERS = (0, -1, 2**31, 2**63 - 1, 2**63, 10**400, 0.0, -0.0, 1e-320, 1e308, float("nan"), float("inf"))

scalars = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
    | st.sampled_from(WORDS) | st.sampled_from(NUMBERS)
)  # fmt: skip
keys = st.sampled_from(["type", "_target_", "layers", "match", "a", "é"])
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=5,
)
"""Whatever YAML can hold: of wrong types, out of range, strange, nested."""


@st.composite
def damages(draw: st.DrawFn) -> Callable[[bytes], bytes]:
    """What happens to a file: bytes flipped, replaced, cut off, put in or added; heads are hit more often."""
    kinds = st.sampled_from(["flip", "replace", "cut", "insert", "extend", "swap"])
    place = st.floats(0, 1, exclude_max=True) | st.floats(0, 0.05)
    hits = draw(st.lists(st.tuples(kinds, place, st.binary(min_size=1, max_size=8)), min_size=1, max_size=4))

    def damaged(content: bytes) -> bytes:
        for kind, where, some in hits:
            at = int(where * len(content))
            content = {
                "flip": content[:at]
                + bytes(b ^ (1 << some[0] % 8) for b in content[at : at + 1])
                + content[at + 1 :],
                "replace": content[:at] + some + content[at + len(some) :],
                "cut": content[:at],
                "insert": content[:at] + some + content[at:],
                "extend": content + some,
                "swap": content[at:] + content[:at],
            }[kind]
        return content

    return damaged


def flipped(some: bytes, bit: int) -> bytes:
    """Bytes with a bit of each flipped."""
    return bytes(byte ^ (1 << bit) for byte in some)


def assert_lines(problems: Sequence[str]) -> None:
    """Each problem is told in a line that says something."""
    assert problems
    for problem in problems:
        assert problem
        assert len(problem.splitlines()) == 1, problem


class Hang(BaseException):
    """Something takes too long; nothing in the program catches it."""


@contextmanager
def within(seconds: int) -> Iterator[None]:
    """A hang is an error."""

    def stop(*_: object) -> None:
        raise Hang(f"took more than {seconds} seconds")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def cases(examples: int, case: Callable[..., None], *drawn: st.SearchStrategy[Any]) -> int:
    """Run a case with so many examples; how many there have been."""
    count = 0

    @settings(max_examples=examples)
    @given(st.tuples(*drawn))
    def counted(values: tuple[Any, ...]) -> None:
        nonlocal count
        with within(30):
            case(*values)
        count += 1

    counted()
    return count
