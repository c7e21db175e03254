"""An archive of files with their SHA-256: written the same for the same files, read as from a stranger."""

import hashlib
import json
import shutil
import stat
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from runner.errors import ConfigError, RunnerError, first_line
from runner.handover.names import refuse_unsafe
from runner.process.atomic import private

MANIFEST, VERSION = "manifest.json", 1

LONG_AGO = (1980, 1, 1, 0, 0, 0)
"""The earliest time that an archive knows: the same files give the same bytes, whenever they were written."""

AS_THEY_ARE = (".safetensors", ".png", ".zip", ".gz")
"""Files that packing makes hardly smaller."""

PIECE = 1024**2
"""Bytes that are read at once."""

MOST_FILES, MOST_BYTES = 10_000, 64 * 1024**3
"""So many files an archive may have, and so large they may be together."""

RATIO, FREE = 200, 64 * 1024**2
"""How many times its packed size a file may have that is larger than so many bytes."""

LARGEST_MANIFEST = 8 * 1024**2

UNREADABLE = (
    zipfile.BadZipFile,
    zlib.error,
    NotImplementedError,
    RuntimeError,
    ValueError,
    EOFError,
    OSError,
)
"""What ``zipfile`` raises of what is no archive, or a damaged or encrypted one."""


class Entry(BaseModel):
    """A file of the archive: its bytes and their SHA-256, in hex."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)
    size: Annotated[int, Field(ge=0, le=MOST_BYTES)]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Manifest(BaseModel):
    """What is in the archive: its kind, the version of the layout, who has written it, every file."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)
    format: Literal["runner run"]
    version: int
    written_by: Annotated[str, Field(max_length=100)]
    files: Annotated[dict[str, Entry], Field(max_length=MOST_FILES)]


def write(target: Path, folder: Path, names: list[str], written_by: str) -> None:
    """Write files of a folder into an archive, which is there whole or not at all.

    Raises:
        ConfigError: if a file's name can't be in an archive.
        RunnerError: if it can't be written.
    """
    refuse_unsafe(names, str(target))
    files = {name: entry_of(folder / name) for name in sorted(names)}
    manifest = Manifest(format="runner run", version=VERSION, written_by=written_by, files=files)
    unfinished = target.with_name(f".{target.name}.unfinished")
    try:
        with open(unfinished, "wb", opener=private) as file:
            write_all(file, manifest, folder)
        unfinished.replace(target)
    except OSError as error:
        raise RunnerError(f"output: '{target}' can't be written: {error.strerror or error}") from error
    finally:
        unfinished.unlink(missing_ok=True)


def write_all(file: IO[bytes], manifest: Manifest, folder: Path) -> None:
    """Write the manifest, and the files that it names, in its order."""
    text = json.dumps(manifest.model_dump(), indent=1, sort_keys=True).encode()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(info(MANIFEST, len(text)), text)
        for name, entry in manifest.files.items():
            with (folder / name).open("rb") as source, archive.open(info(name, entry.size), "w") as packed:
                shutil.copyfileobj(source, packed, PIECE)


def info(name: str, size: int) -> zipfile.ZipInfo:
    """How a file stands in the archive."""
    entry = zipfile.ZipInfo(name, LONG_AGO)
    entry.external_attr = (stat.S_IFREG | 0o600) << 16
    entry.compress_type = zipfile.ZIP_STORED if name.endswith(AS_THEY_ARE) else zipfile.ZIP_DEFLATED
    entry.file_size = size
    return entry


def entry_of(file: Path) -> Entry:
    """A file's size and digest."""
    with file.open("rb") as opened:
        return Entry(size=file.stat().st_size, sha256=hashlib.file_digest(opened, "sha256").hexdigest())


def extract(source: Path, folder: Path) -> str:
    """Read all files of an archive into an empty folder; the SHA-256 of its manifest.

    What the archive says of itself counts for nothing that is not checked while it is read.

    Raises:
        ConfigError: if it is none that ``write`` has written, or there is no room for it.
    """
    try:
        with zipfile.ZipFile(source) as archive:
            return extract_all(archive, folder, source)
    except FileNotFoundError as error:
        raise ConfigError([f"file: there is no '{source}'"]) from error
    except UNREADABLE as error:
        raise ConfigError([f"{source}: can't be read as a packed run: {first_line(error)}"]) from error


def extract_all(archive: zipfile.ZipFile, folder: Path, source: Path) -> str:
    """The same of an archive that is open."""
    whose, entries = str(source), archive.infolist()
    if len(entries) > MOST_FILES + 1:
        raise ConfigError([f"{whose}: has {len(entries):,} files, more than {MOST_FILES:,}"])
    for entry in entries:
        refuse_special(entry, whose)
    names = [entry.orig_filename for entry in entries]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise ConfigError([f"{whose}: holds {twice!r} twice"])
    refuse_unsafe(names, whose)
    by_name = dict(zip(names, entries, strict=True))
    text = read_manifest(archive, by_name, whose)
    manifest = manifest_in(text, whose)
    if (strays := by_name.keys() ^ {MANIFEST, *manifest.files}) or MANIFEST in manifest.files:
        stray = min(strays, default=MANIFEST)
        raise ConfigError([f"{whose}: {stray!r} is in the archive or in its manifest, not in both"])
    refuse_too_large(sum(entry.size for entry in manifest.files.values()), source, folder)
    for name, known in manifest.files.items():
        extract_file(archive, by_name[name], folder / name, known, whose)
    return hashlib.sha256(text).hexdigest()


def refuse_special(entry: zipfile.ZipInfo, whose: str) -> None:
    """Refuse what is no plain file: folders, links, devices, encrypted or strangely packed ones."""
    kind = stat.S_IFMT(entry.external_attr >> 16)
    is_plain = (
        kind in (0, stat.S_IFREG) and not entry.orig_filename.endswith("/") and not entry.external_attr & 0x10
    )
    packed = entry.compress_type in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
    if not is_plain or not packed or entry.flag_bits & 0x1:
        raise ConfigError([f"{whose}: {entry.orig_filename!r} is no plain file"])


def read_manifest(archive: zipfile.ZipFile, by_name: Mapping[str, zipfile.ZipInfo], whose: str) -> bytes:
    """The manifest's bytes."""
    if MANIFEST not in by_name:
        raise ConfigError([f"{whose}: is no packed run: it has no {MANIFEST}"])
    with archive.open(by_name[MANIFEST]) as opened:
        text = opened.read(LARGEST_MANIFEST + 1)
    if len(text) > LARGEST_MANIFEST:
        raise ConfigError([f"{whose}: its {MANIFEST} is larger than {LARGEST_MANIFEST:,} bytes"])
    return text


def manifest_in(text: bytes, whose: str) -> Manifest:
    """What a manifest says."""
    try:
        manifest = Manifest.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise ConfigError([f"{whose}: is no packed run: {MANIFEST}: {place}: {first['msg']}"]) from error
    if manifest.version != VERSION:
        raise ConfigError(
            [f"{whose}: has version {manifest.version} of the layout, this runner reads {VERSION}"]
        )
    return manifest


def refuse_too_large(size: int, source: Path, folder: Path) -> None:
    """Refuse what is more than anybody packs, or than the disk has room for."""
    room = min(MOST_BYTES, shutil.disk_usage(folder).free)
    if size > room:
        raise ConfigError([f"{source}: its files have {size:,} bytes, there is room for {room:,}"])
    if size > max(FREE, RATIO * source.stat().st_size):
        raise ConfigError([f"{source}: its files have {size:,} bytes, far more than are packed in it"])


def extract_file(
    archive: zipfile.ZipFile, packed: zipfile.ZipInfo, target: Path, known: Entry, whose: str
) -> None:
    """Read a file, as long as it is what the manifest says of it."""
    name, digest, size = packed.orig_filename, hashlib.sha256(), 0
    most = max(FREE, RATIO * packed.compress_size)
    target.parent.mkdir(parents=True, exist_ok=True)
    with archive.open(packed) as opened, target.open("xb") as file:
        while piece := opened.read(PIECE):
            size += len(piece)
            if size > known.size or size > most:
                raise ConfigError([f"{whose}: {name!r} is larger than it should be"])
            digest.update(piece)
            file.write(piece)
    if size != known.size or digest.hexdigest() != known.sha256:
        raise ConfigError([f"{whose}: {name!r} is not what was packed: its SHA-256 differs"])
