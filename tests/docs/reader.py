"""Does what a page says, in a folder of its own, as a reader would who types it off."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from tests.conftest import MNIST_ROOT, REPOSITORY, run_in, runs_in
from tests.docs.otherwise import otherwise
from tests.docs.page import Block

OURS = re.compile(r"^(python -m )?runner(?= |$)")
"""The program's own command line, which a warm process runs."""

FOR_SHELLS = re.compile(r"[|<>;&$*\"]")


@dataclass
class Reader:
    """Writes files, runs commands and programs, block by block; anything that fails is told with its line.

    Attributes:
        folder: where the reader sits.
        server: the address of an MLflow server, which stands for that of the pages.
        failures: what went wrong.
        printed: what the block before has printed, if it was a program.
    """

    folder: Path
    server: str
    failures: list[str] = field(default_factory=list)
    printed: str | None = None

    def take(self, block: Block) -> None:
        """Do what a block says; a text after a program is what that prints."""
        printed, self.printed = self.printed, None
        if block.file is not None:
            path = self.folder / block.file
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("a") as file:
                file.write(block.text + "\n\n")
        elif block.language == "python":
            done = self.shell(shlex.join([sys.executable, "-c", self.filled(block.text)]))
            self.printed = done.stdout
            self.check(block, done)
        elif block.session is not None:
            command, answer = block.session
            said = self.type(command)
            if said is not None:
                self.compare(block, answer, said.stdout + said.stderr)
        elif block.language == "text" and printed is not None:
            self.compare(block, block.text, printed)
        for command in block.commands:
            for part in command.split(" && "):
                self.check(block, self.type(part))

    def type(self, command: str) -> subprocess.CompletedProcess[str] | None:
        """A command line; None if it is one that the tests do not run."""
        exception = otherwise(command)
        if exception is not None:
            if exception.words is None:
                return None
            command = f"{command} {exception.words.format(mnist=MNIST_ROOT)}"
        command = self.filled(command)
        if OURS.match(command) and not FOR_SHELLS.search(re.sub(r"'[^']*'", "", command)):
            return run_in(self.folder, *shlex.split(OURS.sub("", command)))
        return self.shell(command)

    def shell(self, command: str) -> subprocess.CompletedProcess[str]:
        """Any other program."""
        environment = {
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "PYTHONPATH": str(REPOSITORY),
            "OMP_NUM_THREADS": "1",
        }
        return subprocess.run(
            ["bash", "-c", command], cwd=self.folder, env=environment, capture_output=True, text=True,
            check=False, timeout=300,
        )  # fmt: skip

    def check(self, block: Block, done: subprocess.CompletedProcess[str] | None) -> None:
        """Note what failed."""
        if done is not None and done.returncode != 0:
            told = f"exit code {done.returncode} of {done.args}\n{done.stdout[-2000:]}{done.stderr[-2000:]}"
            self.failures.append(f"line {block.line}: {told}")

    def compare(self, block: Block, expected: str, said: str) -> None:
        """Note where a page shows something else than what was said; ``…`` stands for anything."""
        pattern = ".*".join(re.escape(part) for part in expected.strip().split("…"))
        if re.fullmatch(pattern, said.strip(), re.DOTALL) is None:
            self.failures.append(f"line {block.line}: it says\n{said}")

    def filled(self, text: str) -> str:
        """The text with the newest run's and the newest sweep's id, and a server's address that answers."""
        text = text.replace("http://localhost:5000", self.server)
        if "<run id>" in text or "<sweep id>" in text:
            runs = runs_in(self.folder)
            alone = [run.info.run_id for run in runs if "sweep_id" not in run.data.tags]
            sweeps = [run.data.tags["sweep_id"] for run in runs if "sweep_id" in run.data.tags]
            text = text.replace("<run id>", next(iter(alone), "")).replace(
                "<sweep id>", next(iter(sweeps), "")
            )
        return text


def store_in(folder: Path, ready_store: Path) -> None:
    """Give a folder a store that is ready, which saves the seconds of making one."""
    (folder / "outputs").mkdir()
    shutil.copy(ready_store, folder / "outputs" / "mlflow.db")
