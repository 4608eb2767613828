"""Parts of tables are there whole or not at all."""

from pathlib import Path

import pytest

pytest.importorskip("pyarrow")

from rasa_emotion.archive.call import Scored
from rasa_emotion.archive.tables import CALLS, TABLES, TURNS, UNFINISHED, find_parts, key, read_table, write_part


def scored(name: str, turns: int = 2) -> Scored:
    call = {"path": name, "size_bytes": 10, "modified_ns": 7, "error": None, "turns": turns}
    rows = [{"path": name, "turn": number, "emotion": "calm"} for number in range(turns)]
    return Scored(call, rows, [*rows, *rows])


def wanted(*names: str) -> frozenset:
    return frozenset(key(scored(name).call) for name in names)


def test_what_was_written_is_read(tmp_path: Path) -> None:
    write_part(tmp_path, 1, [scored("a"), scored("b", turns=0)])
    write_part(tmp_path, 2, [scored("c")])
    found = find_parts(tmp_path, wanted("a", "b", "c", "d"))
    assert (found.done, found.next_part, found.removed) == (wanted("a", "b", "c"), 3, ())
    assert read_table(tmp_path, CALLS, ["path"]).to_pylist() == [{"path": name} for name in "abc"]
    assert read_table(tmp_path, TURNS, ["path", "turn"]).num_rows == 4


def test_a_folder_without_parts_has_empty_tables(tmp_path: Path) -> None:
    assert find_parts(tmp_path / "none", wanted("a")).done == frozenset()
    assert read_table(tmp_path, CALLS, ["path", "secs"]).num_rows == 0


@pytest.mark.parametrize("written", range(len(TABLES)))
def test_a_part_that_was_not_finished_is_none(tmp_path: Path, monkeypatch, written: int) -> None:
    write_part(tmp_path, 1, [scored("a")])
    done, replace = [0], Path.replace

    def killed(self: Path, target: Path) -> Path:
        if done[0] == written:
            raise KeyboardInterrupt
        done[0] += 1
        return replace(self, target)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", killed)
        with pytest.raises(KeyboardInterrupt):
            write_part(tmp_path, 2, [scored("b")])
    found = find_parts(tmp_path, wanted("a", "b"))
    assert found.done == wanted("a")
    assert not list(tmp_path.glob(f"*/*{UNFINISHED}"))
    write_part(tmp_path, found.next_part, [scored("b")])
    assert find_parts(tmp_path, wanted("a", "b")).done == wanted("a", "b")
    assert read_table(tmp_path, TURNS, ["path"]).num_rows == 4


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-20])


def emptied(file: Path) -> None:
    file.write_bytes(b"")


def flipped(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 4] ^= 0xFF
    file.write_bytes(content)


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("damage", [cut, emptied, flipped, Path.unlink])
def test_a_damaged_part_is_found_and_removed(tmp_path: Path, name: str, damage) -> None:
    write_part(tmp_path, 1, [scored(str(number)) for number in range(50)])
    write_part(tmp_path, 2, [scored("b")])
    damage(tmp_path / name / "part-000001.parquet")
    found = find_parts(tmp_path, wanted("b"))
    assert found.done == wanted("b")
    assert len(found.removed) == 1
    assert "Part 1" in found.removed[0]
    assert [file.name for table in TABLES for file in (tmp_path / table).iterdir()] == ["part-000002.parquet"] * 3


def test_a_recording_that_changed_is_scored_again(tmp_path: Path) -> None:
    write_part(tmp_path, 1, [scored("a"), scored("b")])
    found = find_parts(tmp_path, frozenset({("a", 11, 8)}))
    assert found.done == frozenset()
    assert "'a' has changed" in found.removed[0]
