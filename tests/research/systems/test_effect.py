"""What a change did, by hand-made answers."""

import json
from pathlib import Path

import pytest

from rasa_emotion.errors import ConfigError
from research.systems.effect import effect, main


def answers(file: Path, rows: list[tuple[str, str, str]]) -> Path:
    file.write_text("\n".join(["path,truth,predicted", *(",".join(row) for row in rows)]) + "\n", encoding="utf-8")
    return file


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    changed = [(f"{n}.wav", "angry" if n < 8 else "sad", "angry" if n < 7 else "sad") for n in range(10)]
    without = [(f"{n}.wav", "angry" if n < 8 else "sad", "sad" if n < 6 or n > 8 else "angry") for n in range(10)]
    return answers(tmp_path / "changed.csv", changed), answers(tmp_path / "without.csv", without[::-1])


def test_counts_and_recalls(files: tuple[Path, Path]) -> None:
    found = effect(*files)
    assert found.clips == 10
    assert found.changed.recall == {"angry": 0.875, "sad": 1.0}
    assert found.without.recall == {"angry": 0.25, "sad": 0.5}
    assert found.changed.ua == pytest.approx(0.9375)
    assert (found.only_changed, found.only_without) == (7, 1)
    assert found.p == pytest.approx(2 * (1 + 8) / 2**8)


def test_prints_what_it_found(files: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    main([str(files[0]), str(files[1]), "--json"])
    assert json.loads(capsys.readouterr().out)["only_changed"] == 7
    main([str(files[0]), str(files[1])])
    assert "McNemar p = 0.070" in capsys.readouterr().out


def test_other_clips_are_refused(files: tuple[Path, Path], tmp_path: Path) -> None:
    other = answers(tmp_path / "other.csv", [("a.wav", "sad", "sad")])
    with pytest.raises(ConfigError, match="same split"):
        effect(files[0], other)
