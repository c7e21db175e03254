"""What may be said under ``optim`` beside a rule's own arguments, and what is said of mistakes."""

import pytest
import torch

from runner.build import build, rule_of
from runner.config.check import check
from runner.errors import ConfigError
from runner.optim.clipping import Clipped
from runner.optim.groups import Scaled
from runner.optim.rules import SGD, Adam
from tests.config.test_check import plain

NAMES = "Known: l1.W, l1.b, l2.W, l2.b"

BAD: list[tuple[list[str], str]] = [
    (["optim.clip_norm=0"], "optim.clip_norm: 0 should be greater than 0"),
    (["optim.clip_value=small"], "optim.clip_value: 'small' should be a valid number"),
    (["optim.groups=[{lr:1}]"], "optim.groups.0.match: missing"),
    (["optim.groups=[{match:'*.b',beta:0.5}]"],
     "optim.groups.0.beta: unknown key 'beta'. Known: lr, weight_decay"),
    (["optim.groups=[{match:'*.b'},{match:'*',lr:fast}]"],
     "optim.groups.1.lr: 'fast' should be a valid number"),
    (["optim=adam", "optim.groups=[{match:'*',amsgrad:true}]"],
     "optim.groups.0.amsgrad: unknown key 'amsgrad'. Known: betas, eps, lr, weight_decay"),
    (["optim.lr=0", "optim.groups=[{match:'*',lr:1}]"],
     "optim.groups.0.lr: is taken as a share of optim.lr, which is 0"),
    (["optim.groups=[{match:'*.W'},{match:'*.c',lr:1}]"],
     f"optim.groups.1.match: no parameter matches '*.c'. {NAMES}"),
    (["optim.groups=[{match:l1.w,lr:1}]"],
     f"optim.groups.0.match: no parameter matches 'l1.w'. Did you mean 'l1.W'? {NAMES}"),
    (["optim.type=torch.optim.Adamx"],
     "optim.type: 'torch.optim.Adamx' is no optimiser of torch.optim that takes one gradient a step. "
     "Did you mean 'torch.optim.Adamax'?"),
    (["optim.type=torch.optim.LBFGS"],
     "optim.type: 'torch.optim.LBFGS' is no optimiser of torch.optim that takes one gradient a step."),
    (["optim.type=torch.optim.Adamax", "+optim.foreach=true"],
     "optim.foreach: unknown key 'foreach'. "
     "Known: betas, clip_norm, clip_value, eps, groups, lr, weight_decay"),
    (["optim.type=torch.optim.Adamax", "optim.lr=-1"],
     "optim.type: torch.optim.Adamax refuses its arguments (Invalid learning rate: -1.0)"),
    (["optim.type=torch.optim.Adamax", "optim.groups=[{match:'*'}]"],
     "optim.groups: torch.optim.Adamax has none here, it sees all parameters as one tensor"),
    (["+schedule.warmup_step=1"],
     "schedule.warmup_step: unknown key 'warmup_step'. Did you mean 'warmup_steps'? "
     "Known: warmup_epochs, warmup_start_factor, warmup_steps"),
    (["schedule.warmup_epochs=-1"], "schedule.warmup_epochs: -1 should be greater than or equal to 0"),
    (["schedule=reduce_on_plateau", "schedule.metric=test/los"],
     "schedule.metric: unknown 'test/los'. Did you mean 'test/loss'? "
     "Known: test/accuracy, test/loss, train/accuracy, train/loss"),
]  # fmt: skip


@pytest.mark.parametrize(("overrides", "message"), BAD, ids=[" ".join(overrides) for overrides, _ in BAD])
def test_a_mistake_is_named_with_what_is_allowed(overrides: list[str], message: str) -> None:
    with pytest.raises(ConfigError) as error:
        build(check(plain(*overrides)))
    assert error.value.problems == [message]


def test_nothing_stands_between_a_rule_and_its_gradients_unless_it_is_wanted() -> None:
    config = check(plain("optim.lr=0.5"))
    assert rule_of(config, build(config)) == SGD(lr=0.5)


def test_a_group_has_numbers_of_its_own_and_the_others_have_the_rules() -> None:
    config = check(plain("optim=adam", "optim.groups=[{match:'*.b',eps:1e-3},{match:'l*',weight_decay:0.1}]"))
    parts = build(config)
    scaled = rule_of(config, parts)
    assert isinstance(scaled, Scaled)
    assert scaled.factor == 1
    rule = scaled.rule
    assert isinstance(rule, Adam)
    for name, address in parts.store.addresses.items():
        is_bias = name.endswith(".b")
        place = slice(address.offset, address.offset + address.size)
        eps, decay = torch.as_tensor(rule.eps)[place], torch.as_tensor(rule.weight_decay)[place]
        torch.testing.assert_close(eps, torch.full_like(eps, 1e-3 if is_bias else 1e-8))
        torch.testing.assert_close(decay, torch.full_like(decay, 0 if is_bias else 0.1))
    assert rule.betas == (0.9, 0.999)


def test_clipping_goes_round_the_rule() -> None:
    config = check(plain("optim.clip_value=0.5", "optim.lr=0.1"))
    assert rule_of(config, build(config)) == Clipped(SGD(lr=0.1), None, 0.5)
