"""Parts of the user's own, from a file to a trained, stacked, saved and loaded model."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

import runner
from runner.data.digits import Digits
from runner.errors import ConfigError
from runner.plugins.source import digest_of, files_of_module
from runner.sweep.blocks import stack_of, with_parameters
from runner.sweep.jobs import groups
from runner.sweep.planning.lanes import Stop
from runner.trained.serving import load
from tests.conftest import REPOSITORY, CommandLine, runs_in
from tests.docs.page import blocks
from tests.sweep.composed import alone, data_of, jobs_of

QUICK = ["train.epochs=2", "tracking.log_model=false", "tracking.pictures=false"]
SWISH = ["model.layers.a1.type=swish", "plugins=[./parts.py]"]


def examples() -> list[str]:
    """The Python on the page about the user's own parts."""
    page = REPOSITORY / "docs" / "own_parts.md"
    return [block.text for block in blocks(page) if block.language == "python"]


@pytest.fixture
def parts(in_tmp_path: Path) -> Path:
    """The page's examples as one file in the launch folder."""
    path = in_tmp_path / "parts.py"
    path.write_text("\n\n".join(examples()))
    return path


def test_the_page_has_a_short_example_of_each_kind() -> None:
    shown = examples()
    tables = re.findall(r"^([A-Z]+) = {", "\n".join(shown), re.MULTILINE)
    assert sorted(tables) == [
        "INITIALIZERS", "LAYERS", "LOSSES", "METRICS", "RULES", "SCHEDULES", "SOURCES",
    ]  # fmt: skip
    assert all(len([line for line in block.splitlines() if line.strip()]) < 15 for block in shown)


def test_parts_of_every_kind_train_together(parts: Path) -> None:
    result = runner.run([
        "plugins=[./parts.py]", "data=own", "data.type=sine", "loss=own", "loss.type=log_cosh",
        "model.layers.l1.init.type=signs",
        "model.layers.a1.type=swish", "+model.layers.a1.beta=2.0",
        "optim=own", "optim.type=sign_sgd", "+optim.lr=0.002",
        "schedule=own", "schedule.type=triangle", "+schedule.period=20", "train={batch_size: 20, epochs: 30}",
        "train.metrics=[bias]", "objective=test/offset",
    ])  # fmt: skip
    assert "a1.beta" in result.store.named_parameters()
    assert result.epochs[-1].metrics["test/loss"] < result.epochs[0].metrics["test/loss"] / 4
    assert result.objective == result.epochs[-1].metrics["test/offset"] < 0.2
    assert result.epochs[0].metrics["lr"] == pytest.approx(0.002 * 0.9)
    (run,) = runs_in(parts.parent)
    assert run.data.params["plugins"] == f"[{parts}]"


def test_a_file_is_looked_for_beside_the_yaml_first(parts: Path) -> None:
    (parts.parent / "my" / "model").mkdir(parents=True)
    (parts.parent / "my" / "model" / "soft.yaml").write_text(
        "layers:\n  flat: {type: flatten}\n  a: {type: soft}\n  l: {type: linear}\n"
    )
    text = examples()[0].replace('"swish"', '"soft"')
    (parts.parent / "my" / "parts.py").write_text(text)
    result = runner.run(["plugins=[parts.py]", "model=soft", *QUICK], config_dir="my")
    assert type(result.model.layers["a"]).__name__ == "Swish"
    with pytest.raises(ConfigError, match="unknown 'soft'"):
        runner.run(["plugins=[parts.py]", *QUICK, "model.layers.a1.type=soft"])


def test_a_name_of_one_config_is_unknown_to_the_next(parts: Path) -> None:
    runner.run([*SWISH, *QUICK])
    with pytest.raises(ConfigError, match=r"model\.layers\.a1\.type: unknown 'swish'"):
        runner.run([*SWISH, *QUICK, "plugins=[]"])


def test_arguments_are_checked_by_their_annotations(parts: Path) -> None:
    with pytest.raises(ConfigError, match=r"model\.layers\.a1\.beta: 'two' should be a valid number"):
        runner.run([*SWISH, "+model.layers.a1.beta=two"])
    with pytest.raises(ConfigError, match=r"unknown key 'bta'. Did you mean 'beta'"):
        runner.run([*SWISH, "+model.layers.a1.bta=2"])


def test_a_key_of_the_yaml_that_was_chosen_is_told_how_to_leave_out(parts: Path) -> None:
    told = r"^optim\.weight_decay: unknown key .*\. optim=own brings no such keys, ~optim\.weight"
    with pytest.raises(ConfigError, match=told):
        runner.run(["plugins=[./parts.py]", "optim.type=sign_sgd"])
    with pytest.raises(ConfigError, match=r"^optim\.lr: missing, sign_sgd needs it$"):
        runner.run(["plugins=[./parts.py]", "optim=own", "optim.type=sign_sgd"])


def test_a_layer_that_tells_no_shape_is_told(parts: Path) -> None:
    parts.write_text(examples()[0].replace("self.out_shape = in_shape", "pass"))
    told = r"^model\.layers\.a1: Swish sets no out_shape; it gets \[128\] from model\.layers\.l1$"
    with pytest.raises(ConfigError, match=told):
        runner.run(SWISH)


def test_a_configs_hash_tells_what_its_plugins_say_and_not_where_they_lie(
    parts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def hash_with(plugin: str) -> str:
        return jobs_of([""], f"model.layers.a1.type=swish plugins=[{plugin}]")[0].config.hash

    before = hash_with("./parts.py")
    moved = parts.parent / "my_parts.py"
    moved.write_text(parts.read_text())
    assert hash_with("./my_parts.py") == before
    monkeypatch.syspath_prepend(parts.parent)
    assert hash_with("my_parts") not in (before, hash_with("parts"))
    parts.write_text(parts.read_text() + "# edited\n")
    assert hash_with("./parts.py") != before


def test_a_modules_digest_is_that_of_its_packages_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "my_package"
    package.mkdir()
    for name in ("__init__", "parts", "helper"):
        (package / f"{name}.py").write_text("raise AssertionError('to tell a digest, nothing is run')")
    monkeypatch.syspath_prepend(tmp_path)
    before = digest_of("my_package.parts")
    assert digest_of("my_package.parts") == before, "a process imports a module only once"
    (package / "helper.py").write_text("x = 2\n")
    files_of_module.cache_clear()
    assert digest_of("my_package.parts") != before
    assert digest_of("math") != digest_of("sys"), "without files there is the name"


@pytest.mark.usefixtures("one_thread")
def test_own_layers_and_rules_stack(parts: Path) -> None:
    common = " ".join([*SWISH, "optim=own optim.type=sign_sgd", "train.epochs=3"])
    jobs = jobs_of(["+optim.lr=0.001 seed=1", "+optim.lr=0.003 seed=2"], common)
    assert len(groups(jobs)) == 1
    data = data_of(jobs[0])
    stack = stack_of(jobs, [with_parameters(job) for job in jobs], data, Stop())
    stacked = [stack.epoch() for _ in range(3)]
    for row, job in enumerate(jobs):
        for epoch, expected in zip(stacked, alone(job, data), strict=True):
            assert epoch[row].metrics["test/loss"] == pytest.approx(expected.metrics["test/loss"], rel=1e-3)


def test_a_metric_says_which_way_it_gets_better(parts: Path) -> None:
    words = ["plugins=[./parts.py]", "data=own", "data.type=sine", "loss=mse", "train.metrics=[bias]"]
    words += [
        "objective=test/offset",
        "optim.lr=0.01",
        "train.epochs=4",
        "tracking.log_model=false",
        "tracking.pictures=false",
    ]
    result = runner.run(words)
    offsets = [epoch.metrics["test/offset"] for epoch in result.epochs]
    assert result.final["best/test/offset"] == min(offsets) < max(offsets)
    (run,) = runs_in(parts.parent)
    assert run.data.tags["objective_better"] == "smaller"
    text = parts.read_text()
    parts.write_text(text.replace('"offset", True', '"offset", False'))
    turned = runner.run(words)
    assert turned.final["best/test/offset"] == max(epoch.metrics["test/offset"] for epoch in turned.epochs)
    parts.write_text(text.replace('"offset", True', '"offset", "yes"'))
    with pytest.raises(ConfigError, match="has 'yes' as smaller_is_better, which should be a valid boolean"):
        runner.run(words)


@pytest.mark.slow
@pytest.mark.parametrize("launcher", ["stacked", "joblib", "ray"])
def test_a_module_is_loaded_wherever_jobs_run_and_its_metric_ranks_them(
    parts: Path, command_line: CommandLine, launcher: str
) -> None:
    if launcher != "stacked":
        pytest.importorskip(launcher, reason=f"the extra '{launcher}' is not installed")
    parts.rename(parts.parent / "my_mod.py")
    done = command_line(
        "-m", f"hydra/launcher={launcher}", "plugins=[my_mod]", "data=own", "data.type=sine", "loss=mse",
        "train.metrics=[bias]", "objective=test/offset", "train.epochs=1", "model.layers.a1.type=swish",
        "optim.lr=0.01", "seed=1,2,3", PYTHONPATH=f"{REPOSITORY}:{parts.parent}",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    jobs = [run for run in runs_in(parts.parent) if "job" in run.data.tags]
    (parent,) = (run for run in runs_in(parts.parent) if "job" not in run.data.tags)
    assert len(jobs) == 3
    assert parent.data.metrics["best/test/offset"] == min(run.data.metrics["test/offset"] for run in jobs)


@pytest.mark.slow
def test_a_sweep_over_own_parts_is_one_program(parts: Path, command_line: CommandLine) -> None:
    done = command_line("-m", *SWISH, "optim.lr=0.1,0.2", "sweep.mode=stacked", *QUICK)
    assert done.returncode == 0, done.stderr
    assert "stacks of 2" in done.stdout
    (one, other) = [run for run in runs_in(parts.parent) if "job" in run.data.tags]
    assert {one.info.status, other.info.status} == {"FINISHED"}


def stored_model(folder: Path) -> Path:
    """The folder of the one model that was logged from runs started in ``folder``."""
    (description,) = (folder / "outputs" / "mlartifacts").rglob("model.json")
    return description.parent


@pytest.mark.slow
def test_a_sweep_from_the_store_runs_code_only_if_told_so(
    parts: Path, command_line: CommandLine, in_tmp_path: Path
) -> None:
    done = command_line("-m", *SWISH, "seed=0,1", "train.epochs=1")
    assert done.returncode == 0, done.stderr
    sweep = runs_in(in_tmp_path)[0].data.tags["sweep_id"]
    refused = command_line("-m", f"sweep.resume={sweep}")
    assert refused.returncode == 2
    assert refused.stderr == (
        "plugins: the sweep names code, plugins=[./parts.py]: it runs only if you say so once more\n"
    )
    allowed = command_line("-m", f"sweep.resume={sweep}", "plugins=[./parts.py]")
    assert allowed.returncode == 0, allowed.stderr
    assert "2 of 2 jobs are FINISHED already" in allowed.stdout


def test_a_logged_model_carries_the_file_that_its_layers_need(parts: Path) -> None:
    result = runner.run([*SWISH, "train.epochs=1"])
    parts.unlink()
    inputs = Digits().load().test.inputs
    with torch.no_grad():
        expected = result.model.forward(result.store, inputs)
    np.testing.assert_allclose(
        load(stored_model(parts.parent), plugins=True).predict(inputs.numpy()), expected.numpy(), atol=1e-6
    )


@pytest.mark.slow
def test_mlflow_loads_a_model_with_a_plugin(parts: Path) -> None:
    runner.run([*SWISH, "train.epochs=1"])
    parts.unlink()
    program = (
        "import sys, mlflow, numpy as np\n"
        "print(mlflow.pyfunc.load_model(sys.argv[1]).predict(np.zeros((2, 1, 8, 8), np.float32)).shape)"
    )
    model = stored_model(parts.parent).parent
    shown = subprocess.run(
        [sys.executable, "-c", program, str(model)], capture_output=True, text=True, check=True
    )
    assert shown.stdout.strip() == "(2, 11)"  # the class, and ten probabilities


def test_a_plugin_that_no_layer_needs_does_not_travel_with_the_model(parts: Path) -> None:
    runner.run(["plugins=[parts.py]", "schedule={type: triangle}", "+schedule.period=3", "train.epochs=1"])
    kept = stored_model(parts.parent)
    files = sorted(path.name for path in kept.iterdir())
    assert files == ["inputs.json", "model.json", "weights.safetensors"]


def test_a_model_says_which_module_of_its_plugin_is_missing(
    parts: Path, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    elsewhere = tmp_path_factory.mktemp("modules")
    (elsewhere / "my_parts.py").write_text(examples()[0])
    with monkeypatch.context() as patched:
        patched.syspath_prepend(elsewhere)
        runner.run([*SWISH, "plugins=[my_parts]", "train.epochs=1"])
    model = stored_model(parts.parent)
    assert load(model, plugins=True).predict(np.zeros((1, 1, 8, 8))).shape == (1, 10), (
        "it is imported already"
    )
    monkeypatch.delitem(sys.modules, "my_parts")
    with pytest.raises(ConfigError, match="plugins: there is no module 'my_parts' on the path"):
        load(model, plugins=True)


def test_two_plugins_with_files_of_one_name_both_travel(parts: Path) -> None:
    (parts.parent / "more").mkdir()
    (parts.parent / "more" / "parts.py").write_text(examples()[0].replace('"swish"', '"other"'))
    runner.run([
        *SWISH, "plugins=[parts.py,more/parts.py]", "+model.layers.a2={type: other}", "train.epochs=1",
    ])  # fmt: skip
    model = stored_model(parts.parent)
    assert load(model, plugins=True).predict(np.zeros((1, 1, 8, 8))).shape == (1, 10)


def test_a_broken_plugin_is_told_in_a_line_and_its_traceback_on_demand(
    parts: Path, command_line: CommandLine
) -> None:
    parts.write_text("import torch\ntorch.nothing()\n")
    with pytest.raises(ConfigError, match=rf"^plugins: {parts}, line 2: AttributeError: .*$"):
        runner.run(SWISH)
    shown = command_line(*SWISH, HYDRA_FULL_ERROR="1")
    assert shown.returncode == 2
    assert 'parts.py", line 2, in <module>' in shown.stderr
