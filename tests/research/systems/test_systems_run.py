"""Every published system's recipe end to end on tones: it trains, scores, resumes, and writes the comparison."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rasa_emotion.errors import ConfigError
from research.systems import run as running
from research.systems.recipe import RECIPES, SystemRecipe, read_system_recipe
from research.systems.run import balanced, run_system

NAMES = sorted(file.stem for file in RECIPES.glob("*.yaml"))


def test_every_system_has_a_recipe_of_its_own_name() -> None:
    recipes = [read_system_recipe(name) for name in NAMES]
    assert [recipe.name for recipe in recipes] == NAMES
    assert {recipe.system for recipe in recipes} >= set("ABC")
    for recipe in recipes:
        assert "speaker" in recipe.protocols, recipe.name


@pytest.mark.parametrize("name", NAMES)
def test_every_recipe_runs(name: str, many_corpora: Path, tmp_path: Path) -> None:
    recipe = replace(read_system_recipe(name), batch_size=16, seconds=1.0, repeats=1)
    result = run_system(
        recipe,
        data=many_corpora,
        out=tmp_path / "run",
        cache=tmp_path / "cache",
        comparison=tmp_path / "docs",
        smoke=True,
    )
    assert json.loads((tmp_path / "docs" / f"{name}.json").read_text()) == result
    assert {row["protocol"] for row in result["rows"]} == set(recipe.protocols)
    assert {"tess", "savee"} & {corpus for row in result["rows"] for corpus in row["corpus"].split(", ")} == set()
    assert result["parameters"] > 0
    assert 0 < result["latency_ms"]["p50"] <= result["latency_ms"]["p95"]
    for row in result["rows"]:
        low, high = row["ua_interval"]
        assert 0 <= low <= high <= 1
        assert row["clips"] > 0
        assert 0 <= row["ece"] <= 1
    for protocol in recipe.protocols:
        rows = list(csv.DictReader((tmp_path / "run" / f"predictions-{protocol}.csv").open()))
        classes = list(rows[0])[5:]
        for row in rows:
            values = [float(row[label]) for label in classes]
            assert sum(values) == pytest.approx(1, abs=1e-4)
            assert row["predicted"] == classes[int(np.argmax(values))]
    paired = list(csv.DictReader((tmp_path / "docs" / f"{name}.csv").open()))
    assert paired
    assert all(row["path"].startswith("ravdess") for row in paired)


def forest(**changes: object) -> SystemRecipe:
    return replace(read_system_recipe("c-forest", "{seconds: 0.6}"), **changes)  # type: ignore[arg-type]


def test_finished_parts_are_not_trained_again(
    many_corpora: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = {"data": many_corpora, "out": tmp_path / "run", "cache": tmp_path / "cache"}
    first = run_system(forest(), protocols=["speaker"], **options)
    assert [row["protocol"] for row in first["rows"]] == ["speaker"]
    (tmp_path / "run" / "speaker-fold2.npz").unlink()
    trained = []
    real = running.balanced
    monkeypatch.setattr(running, "balanced", lambda x, y, seed: (trained.append(len(x)), real(x, y, seed=seed))[1])
    second = run_system(forest(), **options)
    assert len(trained) == 2  # fold 2 and the random draw
    assert [row["protocol"] for row in second["rows"]] == ["random", "speaker"]
    assert second["rows"][1]["ua"] == first["rows"][0]["ua"]
    with pytest.raises(ConfigError, match="holds something else"):
        run_system(forest(), **{**options, "out": options["data"]})
    with pytest.raises(ConfigError, match="holds a run of other settings"):
        run_system(forest(seed=99), **options)


def test_a_clip_that_cannot_be_decoded_is_left_out(many_corpora: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    for file in many_corpora.iterdir():
        (data / file.name).symlink_to(file)
    (data / "ravdess-01-sad-0.wav").unlink()
    (data / "ravdess-01-sad-0.wav").write_bytes(b"RIFF")
    recipe = forest(corpora=["ravdess"])
    found = run_system(recipe, data=data, out=tmp_path / "run", cache=tmp_path / "cache", protocols=["speaker"])
    assert [row["clips"] for row in found["rows"]] == [5 * 4 * 3 - 1]


def test_a_forest_tells_tones_of_new_speakers_apart(many_corpora: Path, tmp_path: Path) -> None:
    result = run_system(forest(), data=many_corpora, out=tmp_path / "run", cache=tmp_path / "cache")
    assert result["rows"][-1]["ua"] == 1.0
    with pytest.raises(ConfigError, match="has no protocol random-augmented"):
        run_system(
            forest(), data=many_corpora, out=tmp_path / "run", cache=tmp_path / "cache", protocols=["random-augmented"]
        )


def test_the_command_writes_what_the_comparison_needs(
    many_corpora: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["c-forest", "--data", str(many_corpora), "--out", str(tmp_path / "run"), "--threads", "1"]
    arguments += ["--cache", str(tmp_path / "cache"), "--comparison", str(tmp_path / "docs")]
    running.main([*arguments, "--set", "{name: c-forest-zcr, features: [zcr], seconds: 0.6}", "--json"])
    printed = json.loads(capsys.readouterr().out)
    assert printed == json.loads((tmp_path / "docs" / "c-forest-zcr.json").read_text())
    assert "--set '{name: c-forest-zcr" in printed["command"]


def test_small_classes_are_filled_up() -> None:
    x = np.random.default_rng(0).normal(size=(12, 3, 2)).astype(np.float32)
    y = np.array([0] * 9 + [1] * 3)
    more, labels = balanced(x, y, seed=0)
    assert np.bincount(labels).tolist() == [9, 9]
    np.testing.assert_array_equal(more[:12], x)
    assert more.dtype == np.float32


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("{epohcs: 3}", "a recipe has no option 'epohcs'; did you mean 'epochs'"),
        ("{model: {tres: 3}}", "the model Forest has no option 'tres'; did you mean 'trees'"),
        ("{labels: seven}", "'labels' names seven"),
        ("{features: []}", "'features' names nothing"),
        ("{protocols: [hopeful]}", "'protocols' names hopeful"),
        ("{augmentations: [echo]}", "'augmentations' names echo"),
        ("{test_share: 1.5}", "between 0 and 1"),
        ("{model: forest}", "'model' must name a class"),
    ],
)
def test_bad_system_recipes(change: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        read_system_recipe("c-forest", change)


@pytest.mark.parametrize(
    ("line", "says"),
    [("", r"incomplete .*labels"), ("labels: eight\nlables: four\n", "did you mean 'labels'")],
)
def test_keys_must_be_known_and_complete(line: str, says: str, tmp_path: Path) -> None:
    text = (RECIPES / "c-forest.yaml").read_text().replace("labels: eight\n", line)
    (tmp_path / "bad.yaml").write_text(text)
    with pytest.raises(ConfigError, match=says):
        read_system_recipe(tmp_path / "bad.yaml")
