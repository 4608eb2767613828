"""Systems D and E: recipes for corpora that few have, scores without the sex, and splits by script and language."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from rasa_emotion.corpora.clip import Clip
from rasa_emotion.corpora.manifest import write_manifest
from rasa_emotion.errors import ConfigError
from research.systems.augment import Example
from research.systems.caemocygan import GENERATOR
from research.systems.labels import speaker_sex
from research.systems.protocols import Draw, Part, split
from research.systems.recipe import RECIPES, read_system_recipe
from research.systems.results import Scored, without_sex
from research.systems.run import run_system

ELSEWHERE = sorted(file.stem for file in (RECIPES / "elsewhere").glob("*.yaml"))
QUICK = "{epochs: 1, batch_size: 16, seconds: 0.6}"
FREQS = {"angry": 2000, "happy": 1200, "neutral": 600, "sad": 250}
SPEAKERS = {
    "ravdess": ["01", "02", "03", "04", "05"],
    "emodb": ["03", "08"],
    "crema-d": ["1001", "1002", "1003", "1005", "1007"],
    "iemocap": [f"Ses0{session}{sex}" for session in range(1, 6) for sex in "FM"],
    "msp-podcast": ["7", "8", "9"],
    "tess": ["OAF"],
}


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory, tone: Callable[..., NDArray[np.float32]]) -> Path:
    """All corpora that a recipe names, as tones; RAVDESS and IEMOCAP with two scripts."""
    folder = tmp_path_factory.mktemp("everything")
    clips = []
    for corpus, speakers in SPEAKERS.items():
        for number, speaker in enumerate(speakers):
            for (emotion, freq), take in ((pair, take) for pair in FREQS.items() for take in range(2)):
                path = f"{corpus}-{speaker}-{emotion}-{take}.wav"
                soundfile.write(folder / path, tone(freq * (1 + 0.01 * number), 0.3), 16_000)
                folds = {"ravdess": number + 1, "iemocap": 1 + number // 2, "msp-podcast": (1, 1, 3)[number % 3]}
                script = f"{corpus} {take}" if corpus in {"ravdess", "iemocap"} else ""
                who, copy = f"{corpus}-{speaker}", corpus == "tess"
                clips.append(Clip(path, corpus, who, emotion, emotion, folds.get(corpus), 0.3, "", script, copy))
    write_manifest(folder, clips)
    return folder


@pytest.mark.parametrize("name", ELSEWHERE)
def test_recipes_for_corpora_that_few_have_run(name: str, everything: Path, tmp_path: Path) -> None:
    recipe = read_system_recipe(name, QUICK)
    assert recipe.name == name
    result = run_system(
        recipe, data=everything, out=tmp_path / "run", cache=tmp_path / "cache", comparison=tmp_path / "docs"
    )
    assert {row["protocol"] for row in result["rows"]} == set(recipe.protocols)
    scored = {corpus for row in result["rows"] for corpus in row["corpus"].split(", ")}
    assert scored == ({"emodb"} if "language" in recipe.protocols else set(recipe.corpora) - {"tess"})
    if recipe.labels == "sixteen":
        assert {row["labels"] for row in result["rows"]} == {"sixteen", "eight"}


@pytest.mark.parametrize("name", ELSEWHERE)
def test_a_corpus_that_is_not_there_is_named(name: str, everything: Path, tmp_path: Path) -> None:
    recipe = read_system_recipe(name, QUICK)
    missing = recipe.corpora[-1]
    lines = (everything / "speech.csv").read_text().splitlines()
    (tmp_path / "speech.csv").write_text("\n".join(line for line in lines if f",{missing}," not in line) + "\n")
    with pytest.raises(ConfigError, match=f"no corpus .*{missing}"):
        run_system(recipe, data=tmp_path, out=tmp_path / "run", cache=tmp_path / "cache")


def test_the_generator_is_kept_and_used_again(everything: Path, tmp_path: Path) -> None:
    recipe = read_system_recipe("d-cnn-lstm-caemocygan", QUICK)
    options = {"data": everything, "out": tmp_path / "run", "cache": tmp_path / "cache", "protocols": ["speaker"]}
    first = run_system(recipe, **options)
    kept = {file: file.stat().st_mtime_ns for file in (tmp_path / "run").rglob(GENERATOR)}
    assert len(kept) == 5  # one a fold, none of which has heard its test speakers
    for part in (tmp_path / "run").glob("speaker-*.npz"):
        part.unlink()
    second = run_system(recipe, **options)
    assert {file: file.stat().st_mtime_ns for file in (tmp_path / "run").rglob(GENERATOR)} == kept
    assert second["rows"] == first["rows"]


def test_without_the_sex_probabilities_add_up() -> None:
    clip = Clip("a", "ravdess", "ravdess-01", "sad", "sad", 1, 1.0)
    scored = Scored(
        examples=[Example(clip)] * 2,
        parts=["fold 1"] * 2,
        truth=np.array([3, 0]),
        probabilities=np.array([[0.4, 0.0, 0.35, 0.25], [0.1, 0.2, 0.3, 0.4]]),
        classes=("angry_female", "angry_male", "sad_female", "sad_male"),
    )
    found = without_sex(scored)
    assert found.classes == ("angry", "sad")
    assert found.truth.tolist() == [1, 0]
    np.testing.assert_allclose(found.probabilities, [[0.4, 0.6], [0.3, 0.7]])
    assert (scored.predicted == scored.truth).tolist() == [False, False]
    assert (found.predicted == found.truth).tolist() == [True, False]


def parts_of(protocol: str, clips: list[Clip]) -> tuple[list[Example], list[Part]]:
    examples = [Example(clip) for clip in clips]
    return examples, split(protocol, examples, np.zeros(len(examples), dtype=np.int64), Draw(0.2, 1, 0))


def ravdess(scripts: int = 2) -> list[Clip]:
    return [
        Clip(f"{speaker}-{script}-{take}", "ravdess", f"s{speaker}", "sad", "sad", speaker, 1.0, "", f"script {script}")
        for speaker in range(1, 6)
        for script in range(scripts)
        for take in range(2)
    ]


@pytest.mark.parametrize("scripts", [2, 3])
def test_neither_speaker_nor_script_on_both_sides(scripts: int) -> None:
    examples, parts = parts_of("speaker-script", ravdess(scripts))
    assert len(parts) == 10
    for part in parts:
        for field in ("speaker", "script"):
            sides = [{getattr(examples[row].clip, field) for row in rows} for rows in (part.train, part.test)]
            assert sides[0] & sides[1] == set()
    assert sorted(row for part in parts for row in part.test) == list(range(len(examples)))


def test_another_language_is_only_scored() -> None:
    german = [Clip(f"g{n}", "emodb", f"g{n}", "sad", "sad", None, 1.0) for n in range(3)]
    examples, parts = parts_of("language", ravdess() + german)
    assert [{examples[row].clip.corpus for row in rows} for rows in (parts[0].train, parts[0].test)] == [
        {"ravdess"},
        {"emodb"},
    ]
    with pytest.raises(ConfigError, match="empty"):
        parts_of("language", ravdess())


def test_official_partitions_score_the_first_test_part() -> None:
    clips = [Clip(f"{n}", "msp-podcast", f"s{n}", "sad", "sad", n % 5 + 1, 1.0) for n in range(10)]
    examples, parts = parts_of("partitions", clips)
    assert [{examples[row].clip.fold for row in rows} for rows in (parts[0].train, parts[0].test)] == [{1}, {3}]


def test_the_training_part_is_scored_only_where_the_protocol_says_so() -> None:
    _, parts = parts_of("training", ravdess())
    assert parts[0].train.tolist() == parts[0].test.tolist()
    assert len(parts[0].train) == 16  # of 20: the paper's 1,961 of 2,452 is the same share


@pytest.mark.parametrize(
    ("corpus", "speaker", "sex"),
    [
        ("crema-d", "crema-d-1001", "male"),
        ("crema-d", "crema-d-1091", "female"),
        ("iemocap", "iemocap-Ses03F", "female"),
        ("iemocap", "iemocap-Ses03M", "male"),
        ("msp-podcast", "msp-podcast-12", None),
    ],
)
def test_the_sex_of_a_speaker(corpus: str, speaker: str, sex: str | None) -> None:
    assert speaker_sex(Clip("a", corpus, speaker, "sad", "sad", None, 1.0)) == sex
