"""Simulated calls: the protocol, the rates and what the command prints."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from rasa_emotion.cli import app, verbs  # noqa: F401 -- verbs register themselves
from rasa_emotion.conversation.conditions import Lasting
from rasa_emotion.conversation.escalation import EscalationRules, Rule
from rasa_emotion.conversation.rule_options import DEFAULT_OPTIONS
from rasa_emotion.emotions import EMOTIONS
from rasa_emotion.errors import ConfigError, ModelError
from rasa_emotion.evaluation.bot_rules import OTHER_OPTIONS
from rasa_emotion.evaluation.calls import (
    ANGRY_LEFT,
    CALLS_FILE,
    CLEAN,
    FIRST_ANGRY,
    LENGTHS,
    TELEPHONE,
    Bank,
    draw_calls,
    hear_call,
    read_bank,
    write_bank,
)
from rasa_emotion.evaluation.simulation import (
    LEVEL_VOICE,
    Hearing,
    Played,
    at_false,
    figures,
    play,
    play_all,
    swept_condition,
)
from rasa_emotion.fusion import Fusion
from rasa_emotion.model_folder import sha256, shipped_models

ANGRY = EMOTIONS.index("angry")
FUSION = Fusion({"acoustic": 0.5, "text": 0.5}, 1.0, 0.0, {})


def bank(name: str, conditions: tuple[str, ...], sure: float = 0.9) -> Bank:
    """Four items of each emotion of two groups, each heard as what it is."""
    labels = np.repeat(np.arange(8), 8)
    said = np.full((len(conditions), 64, 8), (1 - sure) / 7, dtype=np.float32)
    said[:, np.arange(64), labels] = sure
    full = np.ones((len(conditions), 64), dtype=np.float32)
    return Bank(conditions, labels, np.tile(["one", "two"], 32), said, full, full * np.nan, name, "0" * 64)


@pytest.fixture
def hearing() -> Hearing:
    return Hearing(bank("acoustic", (CLEAN, TELEPHONE)), bank("text", (CLEAN,)), FUSION)


def test_calls_follow_the_protocol(hearing: Hearing) -> None:
    calls = draw_calls(hearing.voices, hearing.words, count=400, turning=True, seed=3)
    assert calls == draw_calls(hearing.voices, hearing.words, count=400, turning=True, seed=3)
    assert {len(call.emotions) for call in calls} == set(range(LENGTHS[0], LENGTHS[1] + 1))
    for call in calls:
        assert call.turned is not None
        assert FIRST_ANGRY - 1 <= call.turned <= len(call.emotions) - ANGRY_LEFT
        assert ANGRY not in call.emotions[: call.turned]
        assert call.emotions[call.turned] == ANGRY
        assert {str(hearing.voices.groups[clip]) for clip in call.clips} == {call.caller}
        assert [int(hearing.voices.labels[clip]) for clip in call.clips] == list(call.emotions)
        neutral = EMOTIONS.index("neutral")
        said = [neutral] * len(call.emotions) if call.neutral_words else list(call.emotions)
        assert [int(hearing.words.labels[sentence]) for sentence in call.sentences] == said
    after = [angry for call in calls for angry in call.angry[call.turned + 1 :]]
    assert np.mean(after) == pytest.approx(0.8, abs=0.03)
    assert np.mean([call.neutral_words for call in calls]) == pytest.approx(0.25, abs=0.07)
    assert np.mean([call.disturbed for call in calls]) == pytest.approx(0.25, abs=0.07)


def test_calm_calls_are_never_angry(hearing: Hearing) -> None:
    calls = draw_calls(hearing.voices, hearing.words, count=400, turning=False, seed=3)
    emotions = [EMOTIONS[emotion] for call in calls for emotion in call.emotions]
    assert np.mean([emotion == "neutral" for emotion in emotions]) == pytest.approx(0.5, abs=0.03)
    assert set(emotions) == {"neutral", "calm", "happy", "surprise", "sad", "fear"}
    assert all(call.turned is None for call in calls)


def test_a_bot_that_reads_alone_has_no_voice(hearing: Hearing) -> None:
    call = draw_calls(hearing.voices, hearing.words, count=1, turning=False, seed=3)[0]
    heard = hear_call(call, hearing.voices, hearing.words, FUSION, modalities=("text",))
    assert {tuple(estimate.evidence) for estimate in heard} == {("text",)}


def test_perfect_evidence_finds_every_call_at_once(hearing: Hearing) -> None:
    found = figures(list(play_all(rule(at_least=0.5), hearing, count=60, seed=1)))
    heard_angry = 1 - found["within_2"][0]
    assert found["false"] == (0.0, 0.0, 0.0)
    assert heard_angry < 0.3  # neutral words hold back one call in four
    assert found["slices"]["undisturbed, words of the emotion"]["within_2"] == 1.0
    assert found["delays"]["1"] > 0.6


def test_a_level_voice_says_the_same_words_neutrally(hearing: Hearing) -> None:
    drawn = {
        level: draw_calls(hearing.voices, hearing.words, count=80, turning=True, seed=3, level=level)
        for level in (False, True)
    }
    told = [call for call in drawn[False] if not call.neutral_words]
    assert [(call.sentences, call.turned) for call in drawn[True]] == [(call.sentences, call.turned) for call in told]
    neutral = EMOTIONS.index("neutral")
    assert {int(hearing.voices.labels[clip]) for call in drawn[True] for clip in call.clips} == {neutral}


def test_a_level_voice_has_its_own_row_and_no_part_in_the_others(hearing: Hearing) -> None:
    played = list(play_all(rule(at_least=0.5), hearing, count=60, seed=1))
    found, without = figures(played), figures([one for one in played if not one.call.level])
    assert {LEVEL_VOICE} == set(found["slices"]) - set(without["slices"])
    assert {name: found[name] for name in ("calls", "within_2", "false", "curve")} == {
        name: without[name] for name in ("calls", "within_2", "false", "curve")
    }
    by_words = replace(hearing, modalities=("text",))
    row = figures(list(play_all(rule(at_least=0.5), by_words, count=60, seed=1)))["slices"][LEVEL_VOICE]
    assert (row["within_2"], row["false"]) == (1.0, 0.0)  # the words alone are as clear as ever


def rule(**options: float) -> EscalationRules:
    return EscalationRules((Rule("anger", Lasting(**options)),))


def test_delays_count_angry_turns_and_early_ones_find_nothing(hearing: Hearing) -> None:
    calls = draw_calls(hearing.voices, hearing.words, count=40, turning=True, seed=3)
    calm = draw_calls(hearing.voices, hearing.words, count=40, turning=False, seed=3)
    at_the_turn = figures([Played(call, call.turned) for call in calls] + [Played(call, None) for call in calm])
    assert (at_the_turn["within_2"][0], at_the_turn["early"][0], at_the_turn["delays"]) == (1.0, 0.0, {"1": 1.0})
    early = figures([Played(call, call.turned - 1) for call in calls] + [Played(call, 0) for call in calm])
    assert (early["within_3"][0], early["early"][0], early["false"][0]) == (0.0, 1.0, 1.0)


def test_an_alert_is_not_noticed_and_what_follows_it_is(hearing: Hearing) -> None:
    call = replace(draw_calls(hearing.voices, hearing.words, count=1, turning=True, seed=3)[0], neutral_words=False)
    estimates = list(hear_call(call, hearing.voices, hearing.words, FUSION))
    alert = Rule("tell", Lasting(at_least=0.01), "alert")
    assert play(call, estimates, EscalationRules((alert,))).first is None
    both = play(call, estimates, EscalationRules((Rule("anger", Lasting(at_least=0.5)), alert)))
    assert (both.first, both.rule) == (call.turned, "anger")


def test_the_curve_rises(hearing: Hearing) -> None:
    blurred = replace(hearing, voices=bank("acoustic", (CLEAN, TELEPHONE), 0.2), words=bank("text", (CLEAN,), 0.2))
    rows = figures(list(play_all(rule(at_least=0.9), blurred, count=60, seed=1)))["curve"]
    assert [row["false"] for row in rows] == sorted(row["false"] for row in rows)
    assert [row["within_2"] for row in rows] == sorted(row["within_2"] for row in rows)
    assert at_false(rows)["false"] <= 0.02


def test_the_rule_on_anger_is_the_one_that_is_varied() -> None:
    distress, anger = Lasting(emotions=("fear", "sad")), Lasting()
    rules = EscalationRules((Rule("distress", distress, "ask"), Rule("anger", anger)))
    assert swept_condition(rules) is anger
    assert swept_condition(EscalationRules((Rule("distress", distress, "ask"),))) is None


def test_a_bank_is_read_as_it_was_written(tmp_path: Path) -> None:
    written = bank("acoustic", (CLEAN, TELEPHONE))
    write_bank(tmp_path / CALLS_FILE, written)
    read = read_bank(tmp_path / CALLS_FILE)
    assert (read.conditions, read.name, read.model) == (written.conditions, written.name, written.model)
    np.testing.assert_array_equal(read.probabilities, written.probabilities)


@pytest.mark.parametrize("content", [None, b"", b"PK\x03\x04 broken"])
def test_a_bank_that_cannot_be_used(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / CALLS_FILE).write_bytes(content)
    with pytest.raises(ModelError, match="no evidence for simulated calls"):
        read_bank(tmp_path / CALLS_FILE)


@pytest.mark.parametrize("name", ["acoustic", "acoustic-emogator", "text"])
def test_the_evidence_that_ships_is_of_the_models_that_ship(name: str) -> None:
    folder = shipped_models() / name
    assert read_bank(folder / CALLS_FILE).model == sha256(folder / "model.onnx")


def test_the_command_prints_the_same_figures_for_the_same_seed() -> None:
    arguments = ["simulate", "--calls", "20", "--json"]
    first, second = (CliRunner().invoke(app, arguments) for _ in range(2))
    assert json.loads(first.stdout) == json.loads(second.stdout)
    assert json.loads(first.stdout)["calls"]["calm"] == 20


def test_the_command_reads_a_bots_rules_and_draws(tmp_path: Path) -> None:
    config = tmp_path / "config.yml"
    config.write_text("policies:\n- name: rasa_emotion.EmotionPolicy\n  threshold: 0.01\n  angry_turns: 1\n")
    picture = tmp_path / "plot.svg"
    answer = CliRunner().invoke(app, ["simulate", str(config), "--calls", "20", "--plot", str(picture)])
    assert "calm calls escalated" in answer.stdout
    assert picture.read_bytes().startswith(b"<?xml")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("policies: []", "has no EmotionPolicy"),
        ("policies: [", "cannot be read as YAML"),
        ("policies: [{name: EmotionPolicy, threshold: 3}]", "'threshold' is 3"),
        ("policies: [{name: EmotionPolicy, offer_acton: utter_offer}]", "did you mean 'offer_action'"),
    ],
)
def test_a_config_that_cannot_be_tried(tmp_path: Path, content: str, sentence: str) -> None:
    config = tmp_path / "config.yml"
    config.write_text(content)
    answer = CliRunner().invoke(app, ["simulate", str(config)])
    assert isinstance(answer.exception, ConfigError)
    assert sentence in str(answer.exception)


def test_a_config_that_is_not_there(tmp_path: Path) -> None:
    answer = CliRunner().invoke(app, ["simulate", str(tmp_path / "config.yml")])
    assert "does not exist" in str(answer.exception)


def test_the_command_knows_the_policys_options() -> None:
    from rasa_emotion.bot.policy import EmotionPolicy  # noqa: PLC0415 -- loads Rasa

    defaults = EmotionPolicy.get_default_config()
    assert set(defaults) == {*DEFAULT_OPTIONS, *OTHER_OPTIONS}
    assert {name: defaults[name] for name in DEFAULT_OPTIONS} == DEFAULT_OPTIONS
    defaults["handoff_intents"].append("ask_human")  # as Rasa lets a component do
    assert EmotionPolicy.get_default_config()["handoff_intents"] == []
