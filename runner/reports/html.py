"""Templates become HTML: one file, pictures and all, that loads nothing."""

import base64
import hashlib
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from importlib import resources
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

import runner


@cache
def environment() -> Environment:
    """The templates; whatever is told them is escaped."""
    found = Environment(
        loader=PackageLoader("runner.reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters["as_image"] = as_image
    return found


def render(template: str, values: Mapping[str, Any]) -> str:
    """A page.

    Args:
        template: the file's name.
        values: what it tells.
    """
    script = resources.files("runner.reports").joinpath("templates", "sort.js").read_text(encoding="utf-8")
    now = datetime.now().astimezone().strftime("%Y-%m-%d %H:%M %Z")
    about_page = {
        "script": script, "script_hash": hash_of(script), "version": runner.__version__, "written": now,
    }  # fmt: skip
    return environment().get_template(template).render(about_page | dict(values))


def as_image(png: bytes) -> str:
    """A picture as the address of an image."""
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"


def hash_of(script: str) -> str:
    """What a page's policy names the only script by that may run."""
    return f"sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}"
