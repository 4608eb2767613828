"""What a disk holds after a power cut, from the record of what a process wrote and synced (`recorder.c`)."""

import random
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

SECTOR = 512
"""What a disk writes in one piece."""

ACKNOWLEDGED = "acknowledged"
"""The file to which the process writes what it has promised; it is read in full, as the world outside has heard it."""


@dataclass(frozen=True)
class Step:
    """One operation: "write", "size", "room", "sync", "unlink" or "rename"."""

    operation: str
    path: str
    number: int
    data: bytes


@dataclass
class File:
    """What is on the disk, and what is on its way to it."""

    content: bytearray = field(default_factory=bytearray)
    pending: list[Step] = field(default_factory=list)
    named: bool = False

    def sync(self) -> None:
        for step in self.pending:
            _apply(self.content, step)
        self.pending, self.named = [], True

    def cut(self, chance: random.Random) -> bytes:
        """Any sectors of what was on its way have arrived, in any order."""
        content = bytearray(self.content)
        for step in self.pending:
            if step.operation != "write":
                if chance.random() < 0.5:
                    _apply(content, step)
                continue
            for start in range(0, len(step.data), SECTOR):
                if chance.random() < 0.5:
                    part = step.data[start : start + SECTOR]
                    _apply(content, Step("write", step.path, step.number + start, part))
        return bytes(content)


def compiled(folder: Path) -> Path:
    """The recorder as a library to preload."""
    library = folder / "recorder.so"
    source = Path(__file__).with_name("recorder.c")
    subprocess.run(["gcc", "-shared", "-fPIC", "-O1", "-o", library, source, "-ldl"], check=True)
    return library


def recorded(trace: Path) -> list[Step]:
    """The steps of a record, oldest first."""
    return list(_steps(trace.read_bytes()))


def _steps(text: bytes) -> Iterator[Step]:
    at = 0
    while at < len(text):
        end = text.index(b"\n", at)
        entry, number, size = text[at:end].decode().rsplit(" ", 2)
        operation, path = entry.split(" ", 1)
        at = end + 1 + int(size)
        yield Step(operation, path, int(number), text[end + 1 : at])


def after_power_cut(steps: list[Step], here: str, there: Path, chance: random.Random) -> list[str]:
    """Write into the folder `there` what the folder `here` holds after a cut behind `steps`; return what was promised.

    A file's name is there as soon as the file was synced once, as on ext4; a renaming or deletion when its folder was.
    """
    files: dict[str, File] = {}
    names: dict[str, File] = {}  # on the disk
    moves: list[Step] = []
    promised = b""
    for step in steps:
        name = Path(step.path).name
        if name == ACKNOWLEDGED:
            promised += step.data if step.operation == "write" else b""
        elif step.operation == "unlink":
            files.pop(step.path, None)
            moves.append(step)
        elif step.operation == "rename":
            files[step.data.decode()] = files.pop(step.path)
            moves.append(step)
        elif step.operation == "sync" and step.path not in files:
            moves = _settled(names, moves, step.path)
        elif step.operation == "sync":
            file = files[step.path]
            if not file.named:
                names[step.path] = file
            file.sync()
        else:
            files.setdefault(step.path, File()).pending.append(step)
    for move in moves:
        if chance.random() < 0.5:
            _settled(names, [move], str(Path(move.path).parent))
    for path, file in names.items():
        if not path.endswith("-shm"):  # which SQLite makes again
            target = there / Path(path).relative_to(here)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(file.cut(chance))
            target.chmod(0o600)
    return promised.decode().split()


def _settled(names: dict[str, File], moves: list[Step], folder: str) -> list[Step]:
    """Carry out the moves in a folder; return the others."""
    others = []
    for move in moves:
        if str(Path(move.path).parent) != folder:
            others.append(move)
        elif move.path in names:
            file = names.pop(move.path)
            if move.operation == "rename":
                names[move.data.decode()] = file
    return others


def _apply(content: bytearray, step: Step) -> None:
    if step.operation == "write":
        end = step.number + len(step.data)
        content.extend(bytes(max(0, end - len(content))))
        content[step.number : end] = step.data
    elif step.operation == "room":
        content.extend(bytes(max(0, step.number - len(content))))
    else:
        content.extend(bytes(max(0, step.number - len(content))))
        del content[step.number :]
