"""An archive from a stranger is read whole and as it was written, or not at all."""

import json
import stat
import zipfile
from hashlib import sha256
from pathlib import Path

import pytest

from runner.commands.arguments import parse
from runner.commands.exit_code import exit_code
from runner.commands.unpack import KNOWN, unpack
from runner.errors import ConfigError
from runner.handover import archive

FILES = {"run.json": b"{}", "artifacts/a.txt": b"text", "artifacts/b/c.bin": bytes(range(256)) * 50}


def write(folder: Path, files: dict[str, bytes] = FILES) -> Path:
    for name, content in files.items():
        (folder / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "in" / name).write_bytes(content)
    archive.write(folder / "a.zip", folder / "in", list(files), "a test")
    return folder / "a.zip"


def manifest(files: dict[str, bytes]) -> bytes:
    known = {name: {"size": len(text), "sha256": sha256(text).hexdigest()} for name, text in files.items()}
    return json.dumps({"format": "runner run", "version": 1, "written_by": "x", "files": known}).encode()


def forged(path: Path, entries: dict[str, bytes] | list[tuple[zipfile.ZipInfo | str, bytes]]) -> Path:
    """An archive with a manifest that fits, whatever its entries are called."""
    pairs = list(entries.items()) if isinstance(entries, dict) else entries
    named = {each if isinstance(each, str) else each.filename: content for each, content in pairs}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("manifest.json", manifest(named))
        for each, content in pairs:
            file.writestr(each, content)
    return path


def refused(path: Path, folder: Path) -> str:
    """The line in which an archive is refused by the command, which leaves nothing behind."""
    before = sorted(folder.rglob("*"))
    words = [str(path), f"folder={folder / 'deep' / 'run'}", f"tracking.uri=sqlite:///{folder}/mlflow.db"]
    with pytest.raises(ConfigError) as error:
        unpack(parse(words, KNOWN))
    assert sorted(folder.rglob("*")) == before
    (line,) = error.value.problems
    assert "\n" not in line
    assert exit_code(lambda: unpack(parse(words, KNOWN)), shows_traceback=False) == 2
    return line


def special(name: str, mode: int) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name)
    entry.external_attr = mode << 16
    return entry


def test_what_was_written_is_read(tmp_path: Path) -> None:
    path = write(tmp_path)
    (tmp_path / "out").mkdir()
    digest = archive.extract(path, tmp_path / "out")
    found = {name: (tmp_path / "out" / name).read_bytes() for name in FILES}
    assert found == FILES
    with zipfile.ZipFile(path) as file:
        assert digest == sha256(file.read("manifest.json")).hexdigest()
        assert file.testzip() is None
        assert {entry.date_time for entry in file.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_the_same_files_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    assert write(tmp_path / "one").read_bytes() == write(tmp_path / "two").read_bytes()
    assert stat.S_IMODE((tmp_path / "one" / "a.zip").stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "name",
    [
        "../evil", "a/../../evil", "/tmp/evil", "//host/evil", "C:/evil", "C:evil", "..\\evil", "a\\b",
        "a//b", "a/./b", "./a", "a/", "", " ", "a /b", "a./b", "...", "a\nb", "a\x00b", "a\x7f", "a:stream",
        "con?", "\u202etxt.exe", "x" * 300, "/".join("a" * 40), "a*", "<a>",
    ],
    ids=repr,
)  # fmt: skip
def test_a_name_that_is_no_place_in_the_folder_is_refused(tmp_path: Path, name: str) -> None:
    path = forged(tmp_path / "a.zip", {"run.json": b"{}"})
    with zipfile.ZipFile(path, "a") as file:
        entry = zipfile.ZipInfo("x")
        entry.filename = name  # as no well-meaning program would
        file.writestr(entry, b"evil")
    refused(path, tmp_path)
    assert not (tmp_path.parent / "evil").exists()


@pytest.mark.parametrize(
    "names",
    [
        ("artifacts/a", "artifacts/A"),
        ("artifacts/stra\u00dfe", "artifacts/STRASSE"),
        ("artifacts/\u00e9", "artifacts/e\u0301"),
        ("artifacts/a", "artifacts/a/b"),
        ("artifacts/A", "artifacts/a/b"),
    ],
    ids=repr,
)
def test_names_that_some_system_takes_for_one_are_refused(tmp_path: Path, names: tuple[str, str]) -> None:
    refused(forged(tmp_path / "a.zip", dict.fromkeys(["run.json", *names], b"x")), tmp_path)


def test_a_file_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    path = forged(tmp_path / "a.zip", FILES)
    with zipfile.ZipFile(path, "a") as file, pytest.warns(UserWarning, match="Duplicate"):
        file.writestr("run.json", b"{}")
    assert "twice" in refused(path, tmp_path)


@pytest.mark.parametrize(
    "entry",
    [
        special("artifacts/link", stat.S_IFLNK | 0o777),
        special("artifacts/pipe", stat.S_IFIFO | 0o600),
        special("artifacts/device", stat.S_IFCHR | 0o600),
        special("artifacts/folder", stat.S_IFDIR | 0o700),
        special("artifacts/socket", stat.S_IFSOCK | 0o700),
    ],
    ids=lambda entry: entry.filename,
)
def test_what_is_no_plain_file_is_refused(tmp_path: Path, entry: zipfile.ZipInfo) -> None:
    path = forged(tmp_path / "a.zip", [("run.json", b"{}"), (entry, b"/etc/passwd")])
    assert "is no plain file" in refused(path, tmp_path)


def test_another_way_of_packing_is_refused(tmp_path: Path) -> None:
    path = forged(tmp_path / "a.zip", {"run.json": b"{}"})
    with zipfile.ZipFile(path, "a") as file:
        file.writestr("artifacts/x", b"x" * 1000, zipfile.ZIP_LZMA)
    assert "is no plain file" in refused(path, tmp_path)


def test_a_bit_of_a_file_counts(tmp_path: Path) -> None:
    files = {**FILES, "artifacts/b/c.bin": bytes(range(256)) * 49 + bytes(256)}
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as file:
        file.writestr("manifest.json", manifest(FILES))
        for name, content in files.items():
            file.writestr(name, content)
    assert "'artifacts/b/c.bin' is not what was packed" in refused(tmp_path / "a.zip", tmp_path)


@pytest.mark.parametrize("at", range(0, 1500, 97))
def test_a_flipped_byte_is_noticed_or_means_nothing(tmp_path: Path, at: int) -> None:
    content = bytearray(write(tmp_path).read_bytes())
    content[at % len(content)] ^= 0x55
    (tmp_path / "flipped.zip").write_bytes(content)
    (tmp_path / "out").mkdir()
    try:
        archive.extract(tmp_path / "flipped.zip", tmp_path / "out")
    except ConfigError:
        return
    assert {name: (tmp_path / "out" / name).read_bytes() for name in FILES} == FILES


def test_files_that_the_manifest_does_not_name_or_alone_names_are_refused(tmp_path: Path) -> None:
    path = forged(tmp_path / "a.zip", FILES)
    with zipfile.ZipFile(path, "a") as file:
        file.writestr("artifacts/more", b"")
    assert "'artifacts/more' is in the archive or in its manifest, not in both" in refused(path, tmp_path)
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as file:
        file.writestr("manifest.json", manifest(FILES))
    assert "not in both" in refused(tmp_path / "b.zip", tmp_path)


@pytest.mark.parametrize(
    "text",
    [
        b"", b"[]", b"{", b"null", b"[" * 100_000, b'{"format": "runner run"}', b"\xff\xfe",
        manifest({}).replace(b"runner run", b"other"),
        manifest({}).replace(b'"version": 1', b'"version": 2'),
        manifest({}).replace(b'"version": 1', b'"version": "1"'),
        manifest({}).replace(b'"version": 1', b'"version": 1, "more": 2'),
        manifest(FILES).replace(b'"size": 2', b'"size": -2'),
        manifest(FILES).replace(b'"size": 2', b'"size": 2e300'),
        manifest(FILES).replace(b'"sha256": "', b'"sha256": "x'),
        b" " * (archive.LARGEST_MANIFEST + 1),
    ],
    ids=lambda text: repr(text[:20]),
)  # fmt: skip
def test_another_manifest_is_refused(tmp_path: Path, text: bytes) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("manifest.json", text)
        for name, content in FILES.items():
            file.writestr(name, content)
    refused(tmp_path / "a.zip", tmp_path)


@pytest.mark.parametrize("content", [b"", b"PK", b"no archive at all" * 100, b"PK\x05\x06" + bytes(18)])
def test_what_is_no_archive_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.zip").write_bytes(content)
    refused(tmp_path / "a.zip", tmp_path)


def test_a_file_that_is_not_there_is_a_line(tmp_path: Path) -> None:
    assert refused(tmp_path / "a.zip", tmp_path) == f"file: there is no '{tmp_path / 'a.zip'}'"
    (tmp_path / "folder.zip").mkdir()
    refused(tmp_path / "folder.zip", tmp_path)


def test_a_file_that_unpacks_to_far_more_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "FREE", 1000)
    path = forged(tmp_path / "a.zip", {"run.json": b"{}", "artifacts/zeros": bytes(10_000_000)})
    assert "far more than are packed in it" in refused(path, tmp_path)


def test_a_file_is_read_no_further_than_it_is_said_to_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("manifest.json", manifest({"run.json": b"{}", "artifacts/zeros": b"0"}))
        file.writestr("run.json", b"{}")
        file.writestr("artifacts/zeros", bytes(50_000_000))
    read: list[int] = []
    plain = zipfile.ZipExtFile.read

    def counted(self: zipfile.ZipExtFile, count: int | None = -1) -> bytes:
        piece = plain(self, count)
        read.append(len(piece))
        return piece

    monkeypatch.setattr(zipfile.ZipExtFile, "read", counted)
    assert "'artifacts/zeros' is larger than it should be" in refused(tmp_path / "a.zip", tmp_path)
    assert sum(read) < 2 * 2 * archive.PIECE, "of both tries"


def test_too_many_files_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MOST_FILES", 20)
    path = forged(tmp_path / "a.zip", {f"artifacts/{number}": b"" for number in range(30)})
    assert "has 31 files, more than 20" in refused(path, tmp_path)


def test_what_the_disk_has_no_room_for_is_refused(tmp_path: Path) -> None:
    text = manifest(FILES).replace(b'"size": 2', b'"size": %d' % (archive.MOST_BYTES))
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as file:
        file.writestr("manifest.json", text)
        for name, content in FILES.items():
            file.writestr(name, content)
    assert "there is room for" in refused(tmp_path / "a.zip", tmp_path)


def test_a_file_that_cannot_be_written_leaves_the_one_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path)
    before = path.read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("runner.handover.archive.shutil.copyfileobj", full)
    with pytest.raises(Exception, match=r"output: .* can't be written: No space left on device"):
        archive.write(path, tmp_path / "in", list(FILES), "a test")
    assert path.read_bytes() == before
    assert sorted(each.name for each in tmp_path.iterdir()) == ["a.zip", "in"]
