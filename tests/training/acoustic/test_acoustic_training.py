"""A recipe end to end on tones: it learns, resumes, and refuses what it cannot use."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from rasa_emotion.errors import ConfigError
from rasa_emotion.training.acoustic import train as training
from rasa_emotion.training.acoustic.brain import EmotionBrain, learning_rate
from rasa_emotion.training.acoustic.recipe import read_recipe


def run(recipe: Path, data: Path, out: Path, *more: str) -> list[dict[str, float]]:
    arguments = [str(recipe), "--data", str(data), "--out", str(out), "--cache", str(out.parent / "cache"), *more]
    training.main([*arguments, "--threads", "1"])
    return [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]


def test_learns_and_writes_what_is_needed_to_go_on(tones: Path, recipe: Path, tmp_path: Path) -> None:
    log = run(recipe, tones, tmp_path / "run", "--fold", "1", "--set", "epochs: 20")
    assert log[-1]["epoch"] == 20
    assert log[-1]["ua"] == 1.0
    network = training.read_run(tmp_path / "run")
    logits, embedding = network(torch.zeros(1, 8000))
    assert (logits["emotion"].shape, embedding.shape) == ((1, 8), (1, 16))
    rows = (tmp_path / "run" / "logits.csv").read_text().splitlines()
    assert len(rows) == 1 + 12
    # the next recipe starts from these weights
    start = f"{{epochs: 1, initial: {tmp_path / 'run' / 'weights.pt'}}}"
    assert run(recipe, tones, tmp_path / "next", "--all", "--set", start)[0]["loss"] < log[0]["loss"]


def test_an_interrupted_run_ends_like_an_uninterrupted_one(
    tones: Path, recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(recipe, tones, tmp_path / "whole", "--held-out", "2")
    finish = EmotionBrain.on_stage_end

    def pull_the_plug(self: EmotionBrain, *args: object, **kwargs: object) -> None:
        finish(self, *args, **kwargs)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(EmotionBrain, "on_stage_end", pull_the_plug)
        with pytest.raises(KeyboardInterrupt):
            run(recipe, tones, tmp_path / "cut", "--held-out", "2")
    assert not (tmp_path / "cut" / "weights.pt").exists()
    log = run(recipe, tones, tmp_path / "cut", "--held-out", "2")
    assert [row["epoch"] for row in log] == [1, 2]
    whole, cut = (torch.load(tmp_path / name / "weights.pt", weights_only=True) for name in ("whole", "cut"))
    for name, value in whole.items():
        torch.testing.assert_close(cut[name], value, rtol=1e-4, atol=1e-5, msg=name)


def test_says_what_to_score(tones: Path, recipe: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="Say what to score"):
        run(recipe, tones, tmp_path / "run")
    with pytest.raises(ConfigError, match="There is no fold 9"):
        run(recipe, tones, tmp_path / "run", "--fold", "9")
    with pytest.raises(ConfigError, match="no finished training"):
        training.read_run(tmp_path / "run")


def test_inner_speakers_come_from_the_folds_training_part(tones: Path) -> None:
    clips = training.read_manifest(tones)
    split = training.choose_split(clips, "tones", fold=1, held_out=1, seed=0)
    assert split is not None
    used = {clip.speaker for clip in [*split.train, *split.test]}
    assert used == {"s2", "s3", "s4", "s5"}
    assert len({clip.speaker for clip in split.test}) == 1


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("epochs: 2", "epochs: 2\nepohcs: 3"), "no option 'epohcs'; did you mean 'epochs'"),
        (
            ("network:", "head_weights: {tons: 2}\nnetwork:"),
            "'head_weights' has no option 'tons'",
        ),
        (("epochs: 2\n", ""), "incomplete .*epochs"),
        (("tones: [tones]", "tones: [bells]"), "heads name bells"),
        (("seed: 3", "seed: [3"), "cannot be read"),
    ],
)
def test_bad_recipes(recipe: Path, tmp_path: Path, change: tuple[str, str], says: str) -> None:
    file = tmp_path / "bad.yaml"
    file.write_text(recipe.read_text().replace(*change))
    with pytest.raises(ConfigError, match=says):
        read_recipe(file)
    with pytest.raises(ConfigError, match="No recipe at"):
        read_recipe(tmp_path / "none.yaml")


def test_recipes_that_ship_can_be_read(repository: Path) -> None:
    recipes = [read_recipe(file) for file in (repository / "rasa_emotion/training/acoustic/recipes").glob("*.yaml")]
    assert {recipe.name for recipe in recipes} == {"pretrain", "ravdess", "emogator", "whisper", "whisper-emogator"}
    for recipe in recipes:
        # a comment in the wrong place makes hyperpyyaml hand over a dictionary instead of the module
        assert recipe.drops
        assert all(callable(part) for part in [recipe.speed, *recipe.drops])


def test_speakers_that_the_start_has_heard_are_not_scored(tones: Path, recipe: Path, tmp_path: Path) -> None:
    run(recipe, tones, tmp_path / "all", "--all", "--set", "epochs: 1")
    run(recipe, tones, tmp_path / "fold1", "--fold", "1", "--set", "epochs: 1")
    start = "{{epochs: 1, initial: {}}}".format
    heard = start(tmp_path / "all" / "weights.pt")
    with pytest.raises(ConfigError, match="knows the speakers of tones that would be scored"):
        run(recipe, tones, tmp_path / "next", "--fold", "1", "--set", heard)
    assert not (tmp_path / "next").exists()
    unheard = start(tmp_path / "fold1" / "weights.pt")
    with pytest.raises(ConfigError, match="knows the speakers"):
        run(recipe, tones, tmp_path / "next", "--fold", "2", "--set", unheard)
    assert run(recipe, tones, tmp_path / "next", "--fold", "1", "--set", unheard)  # the same speakers are held out


def test_what_the_start_of_the_start_has_heard_is_not_forgotten(tones: Path, tmp_path: Path, recipe: Path) -> None:
    run(recipe, tones, tmp_path / "first", "--all", "--set", "epochs: 1")
    known = json.loads((tmp_path / "first" / "run.json").read_text())
    (tmp_path / "first" / "run.json").write_text(json.dumps({**known, "corpora": ["bells"]}))
    start = f"{{epochs: 1, initial: {tmp_path / 'first' / 'weights.pt'}}}"
    run(recipe, tones, tmp_path / "second", "--fold", "1", "--set", start)
    assert training.read_start(str(tmp_path / "second" / "weights.pt")).corpora == ["bells", "tones"]


def test_weights_of_another_shape_are_refused(tones: Path, recipe: Path, tmp_path: Path) -> None:
    run(recipe, tones, tmp_path / "run", "--all", "--set", "epochs: 1")
    other = f"{{initial: {tmp_path / 'run' / 'weights.pt'}, network: {{channels: [4, 8], projection: 8}}}}"
    with pytest.raises(ConfigError, match="does not fit the network"):
        run(recipe, tones, tmp_path / "other", "--all", "--set", other)


def test_learning_rate_rises_and_falls() -> None:
    rates = [learning_rate(p) for p in np.linspace(0, 1, 101)]
    assert rates[0] < 0.1
    assert max(rates) == pytest.approx(1.0, abs=0.01)
    assert rates[-1] == pytest.approx(0.0, abs=1e-6)
