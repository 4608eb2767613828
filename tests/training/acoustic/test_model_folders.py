"""From a recipe or somebody's classifier to a model folder that the analyzer takes."""

import json
import shlex
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch
from tiny_classifiers import hugging_face, speechbrain

from rasa_emotion import EmotionAnalyzer
from rasa_emotion.acoustic import AcousticClassifier
from rasa_emotion.audio import Waveform, highpass, trim_silence
from rasa_emotion.cli.train import OWN_CALLS
from rasa_emotion.emotions import EMOTIONS
from rasa_emotion.errors import ConfigError, ModelError
from rasa_emotion.torch_backends.network import EightEmotions, open_source
from rasa_emotion.training.acoustic import adopt as adopting
from rasa_emotion.training.acoustic import pretrained
from rasa_emotion.training.acoustic.adopt import adopt, fine_tune_source
from rasa_emotion.training.acoustic.brain import EmotionBrain
from rasa_emotion.training.acoustic.finetune import FineTuning, FineTuningBrain
from rasa_emotion.training.acoustic.folder import licence_of
from rasa_emotion.training.acoustic.produce import Order, command, find_recipe, shipped_recipes, train_recipe
from rasa_emotion.training.acoustic.recipe import load_recipe, read_recipe

FINE_TUNING = "{epochs: 1, batch_size: 6, max_secs: 0.6}"


@pytest.fixture
def order(tones: Path, tmp_path: Path) -> Order:
    return Order(out=tmp_path / "mine", cache=tmp_path / "cache", data=tones, held_out=2, overrides="epochs: 1")


def pull_the_plug(monkeypatch: pytest.MonkeyPatch, brain: type) -> None:
    finish = brain.on_stage_end

    def end(self: object, *args: object, **kwargs: object) -> None:
        finish(self, *args, **kwargs)
        raise KeyboardInterrupt

    monkeypatch.setattr(brain, "on_stage_end", end)


def test_an_interrupted_training_goes_on_and_another_is_refused(
    recipe: Path, order: Order, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        pull_the_plug(patch, EmotionBrain)
        with pytest.raises(KeyboardInterrupt):
            train_recipe(str(recipe), order)
    assert not (order.out / "model.json").exists()
    found = train_recipe(str(recipe), order)
    log = (order.out / "run" / "log.jsonl").read_text().splitlines()
    assert [json.loads(line)["epoch"] for line in log] == [1]
    assert found["export_difference"] < 1e-4
    assert len(found["test_speakers"]) == 2
    assert found["figures"]["clips"] == 12
    assert set(found["figures"]["ua_by_condition"]) >= {"mulaw", "noise10"}

    # what was measured is what people load
    classifier = AcousticClassifier.load(order.out)
    assert classifier.temperature == found["temperature"]
    assert (found["licence"], found["commercial"]) == ("LicenseRef-Own", True)
    card = (order.out / "card.md").read_text()
    for part in (
        "recordings of your own",
        "2 others are scored",
        "95 % interval",
        f"--out {order.out}",
        "noise at 10",
        "Noise:",
    ):
        assert part in card
    assert "your own" in (order.out / "LICENSE").read_text()

    other = Order(out=order.out, cache=order.cache, data=order.data, fold=1, overrides="epochs: 1")
    with pytest.raises(ConfigError, match=r"holds the run of recipe 'tones' \(another fold, held_out\)"):
        train_recipe(str(recipe), other)


def test_a_folder_that_was_made_otherwise_is_left_alone(recipe: Path, order: Order) -> None:
    order.out.mkdir()
    (order.out / "model.json").write_text("{}")
    with pytest.raises(ConfigError, match="made otherwise"):
        train_recipe(str(recipe), order)
    assert [path.name for path in order.out.iterdir()] == ["model.json"]


def test_a_folder_of_other_things_is_left_alone(recipe: Path, order: Order, tmp_path: Path) -> None:
    own = tmp_path / "calls"
    shutil.copytree(order.data or "", own)
    before = sorted(own.iterdir())
    with pytest.raises(ConfigError, match=r"holds something else .*name a new folder"):
        train_recipe(str(recipe), replace(order, data=own, out=own))
    assert sorted(own.iterdir()) == before


def test_a_fifth_of_the_speakers_is_held_out_unless_told(recipe: Path, order: Order, tones: Path) -> None:
    found = train_recipe(str(recipe), Order(order.out, order.cache, tones, overrides="epochs: 1"))
    assert len(found["test_speakers"]) == 1


def test_own_calls_get_heads_on_a_pretrained_trunk(
    order: Order, whisper_content: bytes, small_whisper: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pretrained, "_file", lambda name: whisper_content)
    overrides = json.dumps({"probe": {"views": ["telephone", "noise"]}, "network": small_whisper})
    wanted = replace(order, corpora=("tones",), overrides=overrides)
    found = train_recipe(OWN_CALLS, wanted)
    assert found["figures"]["ua"] > 0.9
    assert found["corpora"] == ["tones"]
    assert len(found["test_speakers"]) == 2
    licence = (order.out / "LICENSE").read_text()
    assert "your own" in licence
    assert "Whisper" in licence
    assert "Started from 'whisper-base'" in (order.out / "card.md").read_text()
    assert AcousticClassifier.load(order.out).temperature == found["temperature"]
    weights = Path(found["weights"]).stat().st_mtime_ns
    assert train_recipe(OWN_CALLS, wanted)["figures"]["ua"] == found["figures"]["ua"]
    assert Path(found["weights"]).stat().st_mtime_ns == weights


def test_a_recipe_without_the_eight_ends_in_weights(recipe: Path, order: Order, tmp_path: Path) -> None:
    file = tmp_path / "labels.yaml"
    file.write_text(recipe.read_text().replace("heads: {emotion: [tones], tones: [tones]}", "heads: {tones: [tones]}"))
    found = train_recipe(str(file), order)
    assert set(found) == {"weights"}
    assert Path(found["weights"]).is_file()
    assert not (order.out / "model.json").exists()


def test_a_missing_beginning_is_trained_first_and_may_not_know_who_is_scored(
    recipe: Path, order: Order, tones: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, shipped = tmp_path / "data", tmp_path / "recipes"
    data.mkdir()
    shipped.mkdir()
    rows = (tones / "speech.csv").read_text().splitlines()
    for row in rows[1:]:
        path = row.split(",")[0]
        (data / path).symlink_to(tones / path)
        (data / f"hum-{path}").symlink_to(tones / path)
    hums = [f"hum-{row}".replace(",tones,s", ",hums,h") for row in rows[1:]]
    (data / "speech.csv").write_text("\n".join([*rows, *hums]) + "\n")
    first, second = shipped / "hums.yaml", tmp_path / "second.yaml"
    first.write_text(recipe.read_text().replace("tones", "hums"))
    second.write_text(recipe.read_text().replace("initial: null", "initial: runs/hums/weights.pt"))
    monkeypatch.setitem(train_recipe.__globals__, "RECIPES", shipped)
    assert shipped_recipes() == {"hums": first}
    monkeypatch.setitem(train_recipe.__globals__, "read_recipe", _one_epoch)
    order = replace(order, data=data)
    same = replace(order, corpora=("hums",))
    with pytest.raises(ConfigError, match="knows the speakers of hums that would be scored"):
        train_recipe(str(second), same)
    assert not order.out.exists()
    assert train_recipe(str(second), order)["corpora"] == ["tones", "hums"]
    weights = order.out / "run" / "hums" / "weights.pt"
    assert weights.is_file()
    known = tmp_path / "known.yaml"
    known.write_text(recipe.read_text().replace("initial: null", f"initial: {weights}"))
    with pytest.raises(ConfigError, match="knows the speakers of hums that would be scored"):
        train_recipe(str(known), replace(same, out=tmp_path / "other"))


def _one_epoch(file: Path, overrides: str = "") -> object:
    return read_recipe(file, "epochs: 1")


def test_speakers_on_both_sides_are_refused(recipe: Path, order: Order, tones: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    rows = (tones / "speech.csv").read_text().splitlines()
    for row in rows[1:]:
        (data / row.split(",")[0]).symlink_to(tones / row.split(",")[0])
    # s0 stands in fold 1 by all recordings but one
    rows[1] = rows[1].replace(",1,0.5,", ",2,0.5,")
    (data / "speech.csv").write_text("\n".join(rows) + "\n")
    with pytest.raises(ConfigError, match="Speakers on both sides of a split: s0"):
        train_recipe(str(recipe), Order(order.out, order.cache, data, fold=1))


def test_what_cannot_be_used_is_named(recipe: Path, order: Order, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no recipe 'nonsense'.*calls"):
        find_recipe("nonsense")
    with pytest.raises(ConfigError, match="a recipe has no option 'epohcs'; did you mean 'epochs'"):
        train_recipe(str(recipe), Order(order.out, order.cache, order.data, overrides="epohcs: 3"))
    with pytest.raises(ConfigError, match=r"No speech\.csv in"):
        train_recipe(str(recipe), Order(order.out, order.cache, tmp_path))
    with pytest.raises(ConfigError, match="--data"):
        train_recipe(str(recipe), Order(order.out, order.cache))
    assert not order.out.exists()


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ("", "cannot be read as a recipe"),
        ("- seed: 3", "cannot be read as a recipe"),
        ("epochs: many", "'epochs' to 'many': use a whole number of 0 or more"),
        ("epochs: 1.5", "'epochs' to '1.5': use a whole number"),
        ("lr: -0.1", "'lr' to '-0.1': use a number of 0 or more"),
        ("lr: .nan", "'lr' to 'nan'"),
        ("seed: 3", "is incomplete"),
    ],
)
def test_a_recipe_of_wrong_values_is_refused(settings: str, says: str, tmp_path: Path) -> None:
    file = tmp_path / "own.yaml"
    file.write_text(settings + "\n")
    with pytest.raises(ConfigError, match=says):
        load_recipe(FineTuning, file)


@pytest.mark.parametrize(
    ("overrides", "says"),
    [
        ("{epoch: 3}", "--set '{epoch: 3}': a recipe has no option 'epoch'; did you mean 'epochs'"),
        ("epochs: [", "--set 'epochs: \\[' is no YAML"),
        ("epochs", "--set 'epochs' names no value"),
        ("trunk_lr: 0.5", "--set 'trunk_lr: 0.5' names a value that"),
        ("network: {chanels: [4]}", "The network 'cnn' of a recipe has no option 'chanels'; did you mean 'channels'"),
        ("network: small", "sets 'network' to 'small'"),
        ("shares: {tons: 0.5}", "'shares', .* has no option 'tons'; did you mean 'tones'"),
        ("heads: {emotoin: [tones]}", "'heads', .* has no option 'emotoin'; did you mean 'emotion'"),
    ],
)
def test_a_wrong_setting_is_named_as_one(overrides: str, says: str, recipe: Path) -> None:
    with pytest.raises(ConfigError, match=says):
        read_recipe(recipe, overrides)


def test_a_probe_knows_its_keys(recipe: Path, tmp_path: Path) -> None:
    file = tmp_path / "probe.yaml"
    file.write_text(recipe.read_text() + "probe: {penalties: 1.0}\n")
    with pytest.raises(ConfigError, match=r"The probe of .* no option 'penalties'; did you mean 'penalty'"):
        read_recipe(file)


def test_the_command_on_the_card_can_be_pasted() -> None:
    order = Order(Path("my model"), Path("c"), Path("my calls"), corpora=("the shop",), overrides="name: 'a b'")
    told = shlex.split(command("calls", order))
    assert told[:4] == ["rasa-emotion", "train", "acoustic", "calls"]
    assert told[4:] == ["--data", "my calls", "--corpus", "the shop", "--set", "name: 'a b'", "--out", "my model"]


def test_the_own_recipes_can_be_read() -> None:
    from rasa_emotion.training.acoustic.finetune import read_fine_tuning  # noqa: PLC0415

    assert callable(read_recipe(find_recipe("calls-cnn")).speed)
    calls, shipped = read_recipe(find_recipe("calls")), read_recipe(find_recipe("whisper"))
    # what was measured for the voice that ships is what callers' own recordings get
    assert (calls.probe, calls.network, calls.epochs) == (shipped.probe, shipped.network, 0)
    assert callable(read_fine_tuning(find_recipe("finetune")).speed)


@pytest.mark.parametrize(
    ("corpora", "source", "licence"),
    [
        (["emogator"], None, ("Apache-2.0", True)),
        (["emogator", "ravdess"], None, ("CC-BY-NC-SA-4.0", False)),
        (["calls"], None, ("LicenseRef-Own", True)),
        (["calls", "iesc"], None, ("CC-BY-NC-SA-4.0", False)),
        (["calls"], "someone/model", ("LicenseRef-Source", False)),
        ([], "someone/model", ("LicenseRef-Source", False)),
    ],
)
def test_the_strictest_licence_holds(corpora: list[str], source: str | None, licence: tuple[str, bool]) -> None:
    assert licence_of(corpora, source) == licence


def test_a_classifier_of_others_is_exported_with_its_features(order: Order, tmp_path: Path) -> None:
    source = hugging_face(tmp_path / "source")
    found = adopt(str(source), Order(order.out, order.cache))
    assert "backend" not in found
    assert found["export_difference"] < adopting.TOLERANCE
    assert "ua" not in found["figures"]
    assert "Nothing was scored" in (order.out / "card.md").read_text()
    noise = np.random.default_rng(0).normal(0.1, 0.2, 12_000).astype(np.float32)
    waveform = trim_silence(highpass(Waveform(noise))).samples
    with torch.inference_mode():
        expected = EightEmotions(open_source(str(source))).eval()(torch.from_numpy(waveform)[None])[0][0].numpy()
    np.testing.assert_allclose(AcousticClassifier.load(order.out).logits(Waveform(noise)), expected, atol=1e-3)


def test_augmented_copies_are_not_scored(recipe: Path, order: Order, tones: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    rows = (tones / "speech.csv").read_text().replace(",tones,", ",tess,").splitlines()
    for row in rows[1:]:
        (data / row.split(",")[0]).symlink_to(tones / row.split(",")[0])
    (data / "speech.csv").write_text("\n".join(rows) + "\n")
    wanted = replace(order, data=data, corpora=("tess",))
    with pytest.raises(ConfigError, match=r"clips of tess are augmented copies.*never scored"):
        train_recipe(str(recipe), wanted)
    source = hugging_face(tmp_path / "source")
    with pytest.raises(ConfigError, match="augmented copies"):
        adopt(str(source), Order(order.out, order.cache, data))
    with pytest.raises(ConfigError, match="augmented copies"):
        fine_tune_source(str(source), "finetune", replace(wanted, overrides=FINE_TUNING))
    assert not order.out.exists()


def test_what_cannot_be_exported_stays_in_torch_in_a_folder_of_its_own(
    order: Order, tmp_path: Path, tones: Path
) -> None:
    source = speechbrain(tmp_path / "source")
    found = adopt(str(source), Order(order.out, order.cache, tones), labels={"sad": "fear"})
    assert (found["backend"], found["source"], found["export_difference"]) == ("speechbrain", "weights", None)
    assert found["figures"]["clips"] == 36
    assert not (order.out / "model.onnx").exists()
    (tmp_path / "source").rename(tmp_path / "gone")
    sound, _ = soundfile.read(tones / "0-sad-0.wav", dtype="float32")
    said = EmotionAnalyzer.load(order.out).hear(Waveform(sound))
    assert said is not None
    assert said.probabilities["sad"] == 0 < said.probabilities["fear"]
    with (order.out / "weights" / "classifier.ckpt").open("ab") as stream:
        stream.write(b"x")
    with pytest.raises(ModelError, match="altered"):
        AcousticClassifier.load(order.out)


def test_fine_tuning_goes_on_after_an_interruption(
    tones: Path, order: Order, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = hugging_face(tmp_path / "source", labels=("LABEL_0", "LABEL_1"))
    wanted = Order(order.out, order.cache, tones, fold=1, overrides=FINE_TUNING)
    with monkeypatch.context() as patch:
        pull_the_plug(patch, FineTuningBrain)
        with pytest.raises(KeyboardInterrupt):
            fine_tune_source(str(source), "finetune", wanted)
    assert not (order.out / "run" / "weights").exists()
    found = fine_tune_source(str(source), "finetune", wanted)
    log = [json.loads(line) for line in (order.out / "run" / "log.jsonl").read_text().splitlines()]
    assert [row["epoch"] for row in log] == [1]
    assert found["test_speakers"] == ["s0", "s1"]
    assert found["licence"] == "LicenseRef-Source"
    assert tuple(open_source(str(order.out / "run" / "weights")).labels) == EMOTIONS
    before, after = (open_source(str(path)).model.state_dict() for path in (source, order.out / "run" / "weights"))
    moved = [
        name
        for name in before
        if before[name].shape == after[name].shape and not torch.equal(before[name], after[name])
    ]
    assert any("encoder" in name for name in moved)
    assert not any("feature_extractor" in name for name in moved)
    with pytest.raises(ConfigError, match=r"another from"):
        fine_tune_source("someone/else", "finetune", wanted)


def test_speechbrain_is_not_fine_tuned(order: Order, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="--export-only"):
        fine_tune_source(str(speechbrain(tmp_path / "source")), "finetune", order)
