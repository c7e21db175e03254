"""``python -m benchmarks``: what it writes, what it says of failures, how it ends."""

from pathlib import Path

import pytest

from benchmarks import results
from benchmarks.__main__ import main
from benchmarks.process import ProcessError, environment, run_python, without_places
from benchmarks.results import Findings
from benchmarks.sections.section import NotMeasuredError, Section, Setup
from benchmarks.sections.table import SECTIONS


def fails(setup: Setup) -> Findings:
    run_python(["-c", "import sys; sys.exit('its last words')"], threads=1, folder=setup.work)
    return Findings()


def is_not_there(setup: Setup) -> Findings:
    raise NotMeasuredError("nothing to measure it with")


@pytest.fixture
def sections(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sections that are quick."""
    measures = {
        "good": lambda setup: Findings(notes=(f"rounds {setup.rounds}",)),
        "bad": fails,
        "no": is_not_there,
    }
    for name in list(SECTIONS):
        monkeypatch.delitem(SECTIONS, name)
    for name, measure in measures.items():
        monkeypatch.setitem(SECTIONS, name, Section(f"The {name} one", measure))


def test_all_goes_well(sections: None, tmp_path: Path) -> None:
    page = tmp_path / "new folder" / "RESULTS.md"
    assert main(["good", "no", "--rounds=2", f"--out={page}"]) == 0
    assert "- rounds 2" in page.read_text()
    assert "Not measured: nothing to measure it with" in page.read_text()


def test_a_failure_is_told_and_the_others_are_measured(
    sections: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "RESULTS.md"
    assert main([f"--out={page}"]) == 1
    assert list(results.read(tmp_path / "RESULTS.json")) == ["good", "bad", "no"]
    assert "its last words" in page.read_text()
    assert "its last words" in capsys.readouterr().out


def test_measuring_one_section_keeps_the_others(sections: None, tmp_path: Path) -> None:
    page = tmp_path / "RESULTS.md"
    main(["good", "--rounds=7", f"--out={page}"])
    main(["no", f"--out={page}"])
    assert "- rounds 7" in page.read_text()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [(["nothing"], "unknown section 'nothing', known: good, bad, no"), (["--rounds=0"], "at least 1")],
)
def test_a_wrong_command_line_is_refused(
    sections: None, arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert said in capsys.readouterr().err


def test_programs_see_no_settings_of_the_callers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://elsewhere")
    monkeypatch.setenv("OMP_NUM_THREADS", "77")
    seen = environment(threads=78)
    assert "MLFLOW_TRACKING_URI" not in seen
    assert seen["OMP_NUM_THREADS"] == "78"


def test_a_failure_shows_the_end_of_what_was_said_and_no_places(tmp_path: Path) -> None:
    program = "import sys; [print(n, file=sys.stderr) for n in range(99)]; sys.exit(3)"
    with pytest.raises(ProcessError, match=r"(?s)^python -c .*ended with exit code 3:\n84\n.*98$"):
        run_python(["-c", program], threads=1, folder=tmp_path)
    assert without_places(f"{Path.home()}/data") == "~/data"
