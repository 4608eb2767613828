"""Settings scored on inner speakers, and what the caller's earlier turns bring, both without a leak."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rasa_emotion.errors import ConfigError
from rasa_emotion.training.acoustic.probe import CLEAN
from rasa_emotion.training.acoustic.recipe import read_recipe
from research.acoustic import callers, inner
from research.acoustic.callers import earlier_offsets
from research.acoustic.inner import Bench, cross_validate, prepare


@pytest.fixture
def bench(tones: Path, probe_recipe: Path, tmp_path: Path) -> Bench:
    return prepare(read_recipe(probe_recipe), tones, tmp_path / "cache")


def test_the_unheard_fold_has_no_say(bench: Bench) -> None:
    found = cross_validate(bench)
    assert set(found) == {CLEAN, "telephone", "noise", "speed", "warp", "silence"}
    assert found[CLEAN] > 0.9
    unheard = [number for number, clip in enumerate(bench.clips) if clip.fold == inner.UNHEARD_FOLD]
    for rows in bench.heard.values():
        rows[unheard] = 1e6
    assert cross_validate(bench) == found


def test_the_one_command_of_each(
    bench: Bench, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (inner, callers):
        monkeypatch.setattr(module, "prepare", lambda *_: bench)
    inner.main(["whisper", "--data", "."])
    assert json.loads(capsys.readouterr().out) == cross_validate(bench)
    callers.main(["--data", ".", "--orders", "1", "--out", str(tmp_path / "callers.json")])
    said = json.loads(capsys.readouterr().out)
    assert json.loads((tmp_path / "callers.json").read_text()) == said
    assert set(said) == {"without", *(f"prior {prior:g}" for prior in callers.PRIORS)}
    assert all(0 <= value <= 1 for value in said.values())


def test_a_recipe_without_a_probe_is_refused(tones: Path, recipe: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="fits no probe"):
        prepare(read_recipe(recipe), tones, tmp_path)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.floats(-5, 5)), min_size=1, max_size=20), st.floats(0, 10))
def test_offsets_know_earlier_turns_alone(turns: list[tuple[str, float]], prior: float) -> None:
    speakers, values = [s for s, _ in turns], np.array([[v] for _, v in turns], dtype=np.float32)
    centre = np.zeros(1, dtype=np.float32)
    order = list(range(len(turns)))
    offsets = earlier_offsets(values, speakers, order, centre=centre, prior=prior)
    later = values.copy()
    later[-1] += 100  # the last turn changes nothing before it, nor its own offset
    np.testing.assert_array_equal(earlier_offsets(later, speakers, order, centre=centre, prior=prior), offsets)
    for number, speaker in enumerate(speakers):
        earlier = [values[i, 0] for i in range(number) if speakers[i] == speaker]
        expected = sum(earlier) / (len(earlier) + prior) if earlier else 0.0
        assert offsets[number, 0] == pytest.approx(expected, abs=1e-4)
