"""YAML of others is data: what Hydra would make of it, or read beside the config, is refused by name."""

from pathlib import Path

import pytest
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from runner.config.compose import compose_run
from runner.config.hydra_settings import Origins, refuse_hydra_settings
from runner.config.loader import refers_to_config
from runner.errors import ConfigError
from tests.sweep.composed import config_loader

GLOBAL = "# @package _global_\n"


def refusal(folder: Path, yaml: str, *overrides: str, name: str = "experiment/evil") -> str:
    """What is said of a config that takes a file of a folder."""
    file = folder / f"{name}.yaml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(yaml)
    group, _, option = name.rpartition("/")
    with pytest.raises(ConfigError) as error:
        compose_run([f"{group}={option}", *overrides], folder)
    (problem,) = error.value.problems
    if "(in " in problem and "hidden.yaml" not in problem:
        assert f"(in {file})" in problem
    return problem


@pytest.fixture(scope="module")
def composed() -> DictConfig:
    """What the runner's own YAML composes to, open for more."""
    cfg = config_loader().load_configuration("config", [], RunMode.RUN)
    OmegaConf.set_struct(cfg, False)
    return cfg


@pytest.mark.parametrize(
    ("node", "key"),
    [
        ("callbacks: {x: {_target_: torch.load, f: w.pt, weights_only: false}}", "callbacks.x._target_"),
        ("callbacks: {x: {_target_: evil.X}}", "callbacks.x._target_"),
        ("callbacks: {x: {_target_: '${seed}'}}", "callbacks.x._target_"),
        (
            "callbacks: {sweep_folder: {a: [{_target_: evil.X}]}}",
            "callbacks.sweep_folder.a.0._target_",
        ),
        ("callbacks: {sweep_folder: {_target_: runner.task.Task}}", "callbacks.sweep_folder._target_"),
        ("launcher: {_target_: evil.X}", "launcher._target_"),
        ("sweeper: {_target_: hydra_plugins.evil.X}", "sweeper._target_"),
        ("job_logging: {formatters: {simple: {class: evil.X}}}", "job_logging.formatters.simple.class"),
        ("job_logging: {formatters: {x: {(): os.system}}}", "job_logging.formatters.x.()"),
        ("job_logging: {handlers: {x: {(): os.system}}}", "job_logging.handlers.x.()"),
        (
            "job_logging: {handlers: {x: {class: logging.handlers.HTTPHandler}}}",
            "job_logging.handlers.x.class",
        ),
        ("job_logging: {filters: {x: {(): evil.X}}}", "job_logging.filters.x.()"),
        ("job_logging: {loggers: {x: {handlers: 'ext://evil.X'}}}", "job_logging.loggers.x.handlers"),
        (
            "job_logging: {handlers: {console: {stream: 'ext://evil.X'}}}",
            "job_logging.handlers.console.stream",
        ),
        ("job_logging: {handlers: {console: {stream: 'cfg://root'}}}", "job_logging.handlers.console.stream"),
        (
            "job_logging: {handlers: {console: {'.': {terminator: x}}}}",
            "job_logging.handlers.console...terminator",
        ),
        (
            "hydra_logging: {handlers: {f: {class: logging.FileHandler, filename: /etc/x.log}}}",
            "hydra_logging.handlers.f.filename",
        ),
        (
            "hydra_logging: {handlers: {f: {class: logging.FileHandler, filename: conf/config.yaml}}}",
            "hydra_logging.handlers.f.filename",
        ),
        ("job: {env_set: {LD_PRELOAD: ./evil.so}}", "job.env_set.LD_PRELOAD"),
        ("job: {env_copy: [HOME]}", "job.env_copy.0"),
        ("job: {name: ../x}", "job.name"),
        ("run: {dir: /tmp/elsewhere}", "run.dir"),
        ("run: {dir: conf}", "run.dir"),
        ("sweep: {dir: outputs/../..}", "sweep.dir"),
        ("sweep: {subdir: ../../x}", "sweep.subdir"),
        ("output_subdir: ../../x", "output_subdir"),
        ("sweeper: {params: {hydra.job.env_set.A: b}}", "sweeper.params.hydra.job.env_set.A"),
        ("sweeper: {params: {++hydra/launcher: evil}}", "sweeper.params.++hydra/launcher"),
        ("overrides: {task: ['plugins=[evil.py]']}", "overrides.task.0"),
    ],
)
def test_a_file_of_others_says_nothing_to_hydra_that_runs_or_writes(
    composed: DictConfig, node: str, key: str
) -> None:
    content = OmegaConf.create(f"hydra:\n  {node}\n")
    cfg = OmegaConf.merge(composed, content)
    assert isinstance(cfg, DictConfig)
    with pytest.raises(ConfigError) as error:
        refuse_hydra_settings(cfg, [], Origins({Path("evil.yaml"): content}))
    (problem,) = error.value.problems
    assert problem.startswith(f"hydra.{key}: ")
    assert problem.endswith("(in evil.yaml)")


def test_what_is_hidden_behind_another_key_is_seen(tmp_path: Path) -> None:
    node = "{hydra_logging: {handlers: {console: {stream: '${hook}'}}}}"
    assert "ext://evil.X" in refusal(tmp_path, f"{GLOBAL}hook: ext://evil.X\nhydra: {node}\n")
    folder = refusal(tmp_path, f"{GLOBAL}hook: /tmp/elsewhere\nhydra: {{run: {{dir: '${{hook}}'}}}}\n")
    assert folder.startswith("hydra.run.dir: '/tmp/elsewhere' is not in outputs")


def test_what_is_put_into_the_node_from_elsewhere_is_seen(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "hidden.yaml").write_text("_target_: evil.X\n")
    told = refusal(tmp_path, f"{GLOBAL}defaults:\n- /data@hydra.callbacks.x: hidden\n", name="experiment/far")
    assert "hydra.callbacks.x._target_: 'evil.X'" in told
    assert told.endswith(f"(in {tmp_path / 'data' / 'hidden.yaml'})")


@pytest.mark.parametrize("group", ["launcher", "sweeper", "callbacks", "job_logging", "hydra_logging"])
def test_options_of_hydras_own_groups_are_looked_at(tmp_path: Path, group: str) -> None:
    content = {
        "callbacks": "x: {_target_: evil.X}\n",
        "job_logging": "version: 1\nroot: {}\nformatters: {x: {class: evil.X}}\n",
        "hydra_logging": "version: 1\nroot: {}\nhandlers: {x: {class: evil.X}}\n",
    }.get(group, "_target_: evil.X\n")
    told = refusal(tmp_path, content, name=f"hydra/{group}/evil")
    assert told.startswith(f"hydra.{group}.")
    assert "'evil.X' is code, which only plugins may name" in told


@pytest.mark.parametrize(
    ("yaml", "launcher"),
    [
        ("setup: ['touch x']", "submitit_slurm"),
        ("additional_parameters: {wrap: x}", "submitit_slurm"),
        ('partition: "a\\nb"', "submitit_slurm"),
        ("submitit_folder: /tmp/x", "submitit_slurm"),
        ("address: ray://stranger:10001", "ray"),
    ],
)
def test_what_a_launcher_runs_or_connects_to_is_said_on_the_command_line(
    tmp_path: Path, yaml: str, launcher: str
) -> None:
    if launcher != "ray":
        pytest.importorskip("hydra_plugins.hydra_submitit_launcher")
    chosen = f"hydra/launcher={launcher}"
    told = refusal(tmp_path, f"{GLOBAL}hydra:\n  launcher: {{{yaml}}}\n", chosen)
    assert told.startswith(f"hydra.launcher.{yaml.partition(':')[0]}")


def test_what_is_typed_is_ones_own() -> None:
    launcher = ["hydra/launcher=ray", "hydra.launcher.address=auto"]
    composed = compose_run(["+hydra.job.env_set.A=b", "hydra.run.dir=/tmp/elsewhere", *launcher], None)
    assert composed.hydra.run.dir == "/tmp/elsewhere"
    assert composed.hydra.job.env_set == {"A": "b"}


@pytest.mark.parametrize(
    "choice",
    [
        "hydra/launcher=basic",
        "hydra/launcher=ray",
        "hydra/launcher=joblib",
        "hydra/launcher=submitit_local",
        "hydra/launcher=submitit_slurm",
        "hydra/sweeper=basic",
        "hydra/sweeper=random",
        "hydra/sweeper=optuna",
        "hydra/job_logging=default",
        "hydra/job_logging=none",
        "hydra/hydra_logging=hydra_debug",
    ],
)
def test_hydras_own_and_published_parts_are_taken(choice: str) -> None:
    if "joblib" in choice or "submitit" in choice:
        pytest.importorskip(f"hydra_plugins.hydra_{choice.partition('=')[2].partition('_')[0]}_launcher")
    assert compose_run([choice], None).plain


@pytest.mark.parametrize(
    "text",
    [
        "${oc.env:HOME}",
        "${oc.env: HOME}",
        "${ oc.env:HOME}",
        "x${oc.env:HOME}y",
        "${${a}.env:HOME}",
        "${oc.${b}:HOME}",
        "${oc.decode:${x}}",
        "${oc.create:${x}}",
        "${oc.select:seed,${oc.env:HOME}}",
    ],
)
def test_the_environment_is_no_part_of_the_config(text: str) -> None:
    assert not refers_to_config(text)


def test_a_file_of_others_reads_no_environment(tmp_path: Path) -> None:
    told = refusal(tmp_path, f"{GLOBAL}data: {{root: '${{oc.env:HOME}}'}}\n")
    assert told.startswith("data.root: '${oc.env:HOME}' may refer to other keys alone")


@pytest.mark.parametrize(
    "text", ["${seed}", "a${train.epochs}b", "${.x}", "${oc.select:a,1}", "${now:%Y}", "$HOME"]
)
def test_a_file_refers_to_the_config(text: str) -> None:
    assert refers_to_config(text)


def test_packages_are_no_place_for_yaml() -> None:
    with pytest.raises(ConfigError, match=r"^hydra.searchpath: 'pkg://evil' should be a folder"):
        compose_run(["hydra.searchpath=[pkg://evil]"], None)


@pytest.mark.parametrize("entry", ["../../secret", "//etc/passwd", "/experiment/../../secret"])
def test_defaults_do_not_lead_out(tmp_path: Path, entry: str) -> None:
    assert "is no name in a folder of YAML" in refusal(tmp_path, f"{GLOBAL}defaults: ['{entry}']\n")


@pytest.mark.parametrize(
    ("yaml", "told"),
    [
        ("tracking: {uri: 'http://me:pw@stranger'}", "tracking.uri: 'http://***@stranger' is to be said on"),
        ("tracking: {uri: 'sqlite:////home/other.db'}", "tracking.uri: 'sqlite:////home/other.db' is to be"),
        ("a: {uri: 'http://x'}\ntracking: {uri: '${a.uri}'}", "tracking.uri: 'http://x' is to be said"),
        ("data: {root: /}", "data.root: '/' is not in the launch folder: type data.root=/"),
        ("data: {root: ~/.ssh}", "data.root: '~/.ssh' is not in the launch folder"),
        ("data: {root: .., file: x}", "data.root: '..' is not in the launch folder"),
        (
            "hydra: {sweeper: {params: {tracking.uri: 'http://x'}}}",
            "hydra.sweeper.params.tracking.uri: is",
        ),
        ("hydra: {sweeper: {params: {++data.root: '/,/etc'}}}", "hydra.sweeper.params.++data.root: is to be"),
    ],
)
def test_a_file_of_others_names_neither_a_store_nor_data_elsewhere(
    tmp_path: Path, yaml: str, told: str
) -> None:
    assert refusal(tmp_path, f"{GLOBAL}{yaml}\n").startswith(told)


def test_data_of_a_file_lie_in_the_launch_folder_or_where_is_typed(tmp_path: Path) -> None:
    yaml = f"{GLOBAL}defaults:\n  - override /data: csv\ndata: {{file: ../x.csv, label: y}}\n"
    assert refusal(tmp_path, yaml).startswith("data.file: '../x.csv' is not in the launch folder")
    assert refusal(tmp_path, yaml, "data.root=/datasets").startswith("data.file: '../x.csv' is not")
    (tmp_path / "experiment" / "evil.yaml").write_text(yaml.replace("../x.csv", "/sets/x.csv"))
    assert compose_run(["experiment=evil", "data.root=/sets"], tmp_path).plain["data"]["root"] == "/sets"
    words = ("experiment=evil", "data.file=/x.csv", "data.root=/", "tracking.uri=http://host")
    assert compose_run(words, tmp_path).plain["tracking"]["uri"] == "http://host"


def test_a_link_out_of_a_folder_of_yaml_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "secret.yaml").write_text("seed: 3\n")
    (tmp_path / "conf" / "experiment").mkdir(parents=True)
    (tmp_path / "conf" / "experiment" / "evil.yaml").symlink_to(tmp_path / "secret.yaml")
    with pytest.raises(ConfigError, match=r"evil\.yaml: a link leads out of the folder of YAML"):
        compose_run(["experiment=evil"], tmp_path / "conf")
