"""What a config says under ``optim``: a rule, and groups of parameters with numbers of their own."""

from collections.abc import Mapping
from typing import Any

from runner.config.components import instance, not_in_torch, torch_arguments
from runner.config.schema import Optim
from runner.errors import unknown
from runner.optim.adopted import PREFIX, Adopted, arguments_of, find_optimizer, optimizer_names
from runner.optim.groups import Group
from runner.optim.rules import Rule
from runner.optim.stacking import is_number
from runner.plugins.kinds import check_made
from runner.registry import Registry


def rule(registry: Registry, path: str, given: Mapping[str, Any], problems: list[str]) -> Rule | None:
    """Check an update rule: a registered one, or an optimiser of ``torch.optim``."""
    name = str(given.get("type"))
    if not name.startswith(PREFIX):
        elsewhere = {} if name in registry.rules else {each: PREFIX + each for each in optimizer_names()}
        made = instance(registry, registry.rules, path, given, problems, Optim.model_fields, elsewhere)
        return check_made(made, "RULES", path, problems)
    optimizer = find_optimizer(name.removeprefix(PREFIX))
    if optimizer is None:
        told = "is no optimiser of torch.optim that takes one gradient a step"
        problems.append(not_in_torch(path, PREFIX, name.removeprefix(PREFIX), told, optimizer_names()))
        return None
    arguments = torch_arguments(path, given, arguments_of(optimizer), problems, Optim.model_fields)
    if arguments is None:
        return None
    try:
        return Adopted(optimizer=optimizer, arguments=arguments)
    except ValueError as error:
        problems.append(f"{path}.{error}")
        return None


def groups(
    registry: Registry, path: str, given: Mapping[str, Any], rule: Rule, problems: list[str]
) -> tuple[Group, ...]:
    """Check the groups of parameters: each has the rule, with some numbers of its own."""
    if isinstance(rule, Adopted) and given["groups"]:
        problems.append(f"{path}.groups: {given['type']} has none here, it sees all parameters as one tensor")
        return ()
    numbers = [name for name, value in vars(rule).items() if is_number(value)]
    common = {key: value for key, value in given.items() if key not in Optim.model_fields}
    checked = []
    for place, group in enumerate(given["groups"]):
        at = f"{path}.groups.{place}"
        own = {key: value for key, value in group.items() if key != "match"}
        foreign = [unknown(f"{at}.{key}", key, numbers, "unknown key") for key in own if key not in numbers]
        problems.extend(foreign)
        if "lr" in own and rule.lr == 0:
            problems.append(f"{at}.lr: is taken as a share of {path}.lr, which is 0")
        own_rule = None if foreign else instance(registry, registry.rules, at, common | own, problems)
        if own_rule is not None:
            checked.append(Group(group["match"], own_rule))
    return tuple(checked)
