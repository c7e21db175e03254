"""A name in MLflow's registry of models and an alias there, as one word: ``digits``, ``digits@champion``."""

import re

from pydantic_core import PydanticCustomError

NEWEST = "newest"
"""The alias where none is said. MLflow keeps ``latest`` for itself."""

LONGEST_NAME, LONGEST_ALIAS = 256, 255
"""In characters: MLflow's limits."""


def name_and_alias(word: str) -> tuple[str, str]:
    """What is registered, and the alias of its new version."""
    name, at, alias = word.rpartition("@")
    return (name, alias) if at else (word, NEWEST)


def registrable(word: str) -> str:
    """Refuse what MLflow would refuse when all has been trained.

    Raises:
        PydanticCustomError: if there is no such name, or no such alias.
    """
    name, alias = name_and_alias(word)
    if not name.strip() or re.search(r"[/:]", name) or name == "." or name.startswith(".."):
        raise PydanticCustomError("name", "should be a name without / and :, as in digits or digits@champion")
    if len(name) > LONGEST_NAME:
        raise PydanticCustomError("name", f"should be a name of at most {LONGEST_NAME} characters")
    is_well_formed = re.fullmatch(r"[\w-]+", alias) and len(alias) <= LONGEST_ALIAS
    if not is_well_formed or re.fullmatch(r"latest|v\d+", alias, re.IGNORECASE):
        raise PydanticCustomError(
            "alias",
            f"should have an alias of at most {LONGEST_ALIAS} letters, digits, _ and - after the @, "
            "which is neither latest nor a version such as v1",
        )
    return word
