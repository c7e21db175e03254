"""A store's config is data: nothing in it is looked up, run or read from elsewhere without consent."""

from pathlib import Path

import pytest

from runner.config.plain import Plain
from runner.config.stored import LARGEST, as_data, read_stored
from runner.errors import ConfigError
from runner.sweep.resume import MOST_JOBS, Recorded, command_line_in, refuse_more_than_values
from tests.faults.strange import within

STORED: Plain = {"seed": 0, "data": {"type": "csv", "root": "outputs/data", "file": "x.csv"}, "plugins": []}


def refusal(data: Plain, data_root: str | None = None, **others: object) -> str:
    with pytest.raises(ConfigError) as error:
        as_data({**STORED, "data": {**STORED["data"], **data}, **others}, False, data_root)
    return str(error.value)


@pytest.mark.parametrize(
    "data",
    [
        {"root": "/"},
        {"root": "~"},
        {"root": "~/data"},
        {"root": "../elsewhere"},
        {"root": "outputs/../../x"},
        {"file": "/etc/passwd"},
        {"file": "../../etc/passwd"},
        {"test_file": "a/../../x.csv"},
        {"files": [{"a": "../x"}]},
    ],
)
def test_files_of_a_stores_config_lie_in_the_launch_folder(data: Plain) -> None:
    assert "is from the store and not in the launch folder: type data.root=" in refusal(data)


def test_what_is_typed_is_where_data_lie(tmp_path: Path) -> None:
    found = as_data({**STORED, "data": {**STORED["data"], "root": "/"}}, False, str(tmp_path))
    assert found["data"]["root"] == str(tmp_path)
    assert as_data({**STORED, "data": {"root": "/", "file": f"{tmp_path}/x"}}, False, str(tmp_path))
    assert "data.file: '../x'" in refusal({"file": "../x"}, str(tmp_path))


def test_folders_of_the_launch_folder_need_no_word() -> None:
    for root in (".", "outputs/data", str(Path.cwd() / "data"), "a/../b"):
        assert as_data({**STORED, "data": {"root": root, "label": "a/b", "sep": ";"}}, False, None)


@pytest.mark.parametrize("text", ["${oc.env:HOME}", "$\\{oc.env:HOME\\}", "a${seed}", "${oc.decode:x}"])
def test_nothing_in_a_stores_config_is_looked_up(text: str) -> None:
    assert "is from the store, which says nothing that is to be looked up" in refusal({"label": text})
    assert "looked up" in refusal({}, objective=text)
    assert "looked up" in refusal({}, train={text: 1})


def test_code_of_a_store_runs_if_the_user_says_so() -> None:
    assert "it runs only if you say so" in refusal({}, plugins=["evil.py"])
    assert as_data({**STORED, "plugins": ["evil.py"]}, True, None)["plugins"] == ["evil.py"]
    assert as_data({**STORED, "plugins": ["evil.py"]}, ["own.py"], None)["plugins"] == ["own.py"]


@pytest.mark.parametrize(
    "stored", [{}, {"data": []}, {"data": {}, "plugins": 3}, {"data": None, "plugins": []}]
)
def test_what_is_no_config_is_told_in_a_line(stored: Plain) -> None:
    with pytest.raises(ConfigError, match=r"is no config"):
        as_data(stored, True, None)


@pytest.mark.parametrize(
    "text",
    [
        "a0: &a0 [1,1,1,1,1,1,1,1,1]\n"
        + "".join(f"a{n + 1}: &a{n + 1} [{','.join([f'*a{n}'] * 9)}]\n" for n in range(12)),
        "a: &a [*a]\n",
        "a: " + "[" * 1500 + "]" * 1500,
        "a: !!python/object/apply:os.system ['true']\n",
        f"a: {'9' * 5000}\n",
        "- 1\n",
        "",
        "x" * (LARGEST + 1),
    ],
    ids=["aliases", "itself", "depth", "tag", "digits", "list", "empty", "size"],
)
def test_a_stored_file_is_read_within_limits(tmp_path: Path, text: str) -> None:
    (tmp_path / "config.yaml").write_text(text)
    with within(20), pytest.raises(ConfigError, match=r"^run: ") as error:
        read_stored(tmp_path / "config.yaml", "run: the config.yaml of run '1'")
    assert len(str(error.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("override", "told"),
    [
        ("++plugins=[evil.py]", "plugins: the sweep names code, ++plugins="),
        ("plugins@x=evil", "plugins: the sweep names code"),
        ("~plugins", "plugins: the sweep names code"),
        (
            "hydra.sweep.subdir=../../x",
            "hydra.sweep.subdir=../../x: is from the store, and more than a value",
        ),
        ("++hydra.callbacks.x._target_=evil.X", "more than a value"),
        ("hydra/job_logging=evil", "more than a value"),
        ("data@hydra.callbacks.x=evil", "more than a value"),
        ("optim.lr=${oc.env:HOME},1", "looked up"),
        ("optim.lr='${oc.env:HOME}'", "looked up"),
        ("optim.lr=$\\{oc.env:HOME\\}", "looked up"),
        ("data.root=/", "not in the launch folder"),
        ("data.root=.,/", "not in the launch folder"),
        ("++data.root='/'", "not in the launch folder"),
        ("data.file=x.csv,../../etc/passwd", "not in the launch folder"),
        ("data={root: /, file: etc/passwd}", "not in the launch folder"),
        ("data={root: .},{root: /}", "not in the launch folder"),
        ("tracking={uri: 'http://stranger'}", "tracking.uri: is from the store"),
        (f"seed=range({MOST_JOBS + 1})", "jobs are more than a store may have started"),
        ("seed=shuffle(range(1000000000000))", "jobs are more than"),
        ("seed=range(0,3,0)", "jobs are more than"),
        ("seed=range(0,nan)", "jobs are more than"),
        ("seed=range(0,1e300)", "jobs are more than"),
    ],
)
def test_a_stores_sweep_gives_values_and_nothing_else(override: str, told: str) -> None:
    with pytest.raises(ConfigError) as typed:
        refuse_more_than_values(Recorded({}, [override], []), None, has_plugins=False)
    assert told in str(typed.value)
    key, _, value = override.partition("=")
    if value:
        with pytest.raises(ConfigError) as declared:
            refuse_more_than_values(Recorded({key: value}, [], []), None, has_plugins=False)
        assert told in str(declared.value)


def test_a_sweep_like_any_other_goes_on() -> None:
    typed = ["optim=momentum,sgd", "+optim.lr=0.1,0.2", "seed=range(8)", "model.layers={a: {type: linear}}"]
    typed += ["data.file=x.csv", "experiment=article", "objective='a b'", "optim.lr=interval(0.1,1)"]
    refuse_more_than_values(Recorded({"seed": "1,2"}, typed, []), None, has_plugins=False)


def test_what_the_user_says_takes_the_place_of_a_stores_word() -> None:
    found = Recorded({"++plugins": "[a.py]"}, ["+data.root=/", "seed=1", "sweep.zip=[a]"], [])
    assert found.without(["plugins", "data.root"]) == Recorded({}, ["seed=1"], [])


def test_a_sweep_that_is_gone_on_with_is_trained_in_the_way_that_was_typed() -> None:
    """Which rounds otherwise than another."""
    hydra = {"sweeper": {"params": None}, "overrides": {"task": ["seed=0,1", "sweep.mode=2"]}}
    found = command_line_in({"hydra": hydra, "sweep": {"zip": [], "mode": 2}}).without([])
    assert (found.overrides, found.mode) == (["seed=0,1"], 2)
