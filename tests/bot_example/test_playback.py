"""What the demo reads from the tracker, shows, and starts the server with."""

import json
import shutil
from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest
from playback import models, server
from playback.calls import Call, Turn
from playback.outcome import Outcome, outcome_of
from playback.screen import show_call, show_ending, show_turn
from rich.console import Console

from rasa_emotion.endpoints import read_endpoints
from rasa_emotion.errors import ConfigError
from rasa_emotion.estimate import EmotionEstimate, Evidence
from rasa_emotion.model_folder import read_model_folder, write_manifest

ANGRY = EmotionEstimate.from_probabilities(
    {"angry": 0.9, "sad": 0.1},
    {
        "acoustic": Evidence("acoustic", {"angry": 0.7, "sad": 0.3}),
        "text": Evidence("text", {"angry": 0.95, "sad": 0.05}),
    },
)


def tracker(*, escalated: bool, estimate: EmotionEstimate | None = ANGRY) -> dict[str, object]:
    parsed = {"intent": {"name": "complain"}} | ({"emotion_estimate": estimate.to_dict()} if estimate else {})
    slots = {"caller_mood": "hostile", "escalated": escalated, "escalation_reason": "Anger." if escalated else None}
    return {"events": [{"event": "user", "parse_data": parsed}, {"event": "bot"}], "slots": slots}


def test_an_outcome_tells_what_the_tracker_holds() -> None:
    outcome = outcome_of(3, Turn("No!", Path("03.wav")), ["Sorry."], tracker(escalated=True))

    told = json.loads(json.dumps(outcome.to_dict()))
    assert (told["turn"], told["text"], told["audio"], told["intent"]) == (3, "No!", True, "complain")
    assert (told["emotion"], told["mood"], told["answers"]) == ("angry", "hostile", ["Sorry."])
    assert set(told["evidence"]) == {"acoustic", "text"}
    assert (told["escalated"], told["reason"]) == (True, "Anger.")


def test_a_turn_without_an_estimate_is_unknown() -> None:
    outcome = outcome_of(1, Turn("Hm"), [], tracker(escalated=False, estimate=None))
    assert outcome.estimate.emotion == "unknown"
    assert not outcome.escalated


def shown(outcomes: list[Outcome], turn: Turn) -> str:
    console = Console(file=StringIO(), width=100)
    show_call(console, Call("A call", (turn,), caveat="Read this."))
    for outcome in outcomes:
        show_turn(console, turn, outcome)
    show_ending(console, outcomes)
    return console.file.getvalue()


def test_the_screen_shows_words_evidence_mood_answer_and_reason() -> None:
    turn = Turn("Where is it?", Path("01.wav"))
    text = shown([outcome_of(1, turn, ["I am sorry."], tracker(escalated=True), warning="Too noisy.")], turn)
    for part in ("Where is it?", "angry 0.90", "voice 0.70", "words 0.95", "hostile", "I am sorry.", "Too noisy."):
        assert part in text
    assert "Turn 1: Anger." in text


@pytest.mark.parametrize(("confused", "told"), [(0.81, True), (0.2, False), (None, False)])
def test_the_screen_shows_confusion_when_it_is_high(confused: float | None, told: bool) -> None:
    estimate = replace(ANGRY, confused=confused)
    turn = Turn("What do you mean?")
    text = shown([outcome_of(1, turn, [], tracker(escalated=False, estimate=estimate))], turn)
    assert ("confused 0.81" in text) == ("confused" in text) == told


def test_the_screen_says_when_no_human_was_needed() -> None:
    turn = Turn("[Fine]", None)
    text = shown([outcome_of(1, turn, [], tracker(escalated=False))], turn)
    assert "[Fine]" in text
    assert "No turn called for a human" in text


def test_the_fingerprint_follows_the_bot(bot_folder: Path, tmp_path: Path) -> None:
    bot = tmp_path / "bot"
    shutil.copytree(bot_folder, bot, ignore=shutil.ignore_patterns("models", ".rasa", "playback"))
    before = server.bot_fingerprint(bot)
    assert server.bot_fingerprint(bot) == before

    with (bot / "domain.yml").open("a", encoding="utf-8") as stream:
        stream.write("# changed\n")
    assert server.bot_fingerprint(bot) != before


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Models that ship, with the heads of the folds."""
    folder = tmp_path / "shipped"
    for kind in ("acoustic", "text", "fusion"):
        (folder / kind).mkdir(parents=True)
        (folder / kind / "model.onnx").write_text(f"all of {kind}", encoding="utf-8")
        write_manifest(
            folder / kind, ["model.onnx"],
            name=kind, kind=kind, licence="MIT", commercial=True, summary="Small.", labels=["angry"],
        )  # fmt: skip
    (folder / "acoustic" / "folds").mkdir()
    (folder / "acoustic" / "folds" / "heads.npz").write_text("the folds", encoding="utf-8")
    monkeypatch.setattr(models, "shipped_models", lambda: folder)
    return folder


def test_a_fold_model_stands_in_for_the_acoustic_one(shipped: Path, tmp_path: Path) -> None:
    credentials = models.credentials_for(Call("", (), fold=2), tmp_path)

    relay = json.loads(credentials.read_text(encoding="utf-8"))[models.RELAY]
    assert relay["channel"] == models.CHANNEL
    folder = Path(relay["options"]["models"])
    acoustic = read_model_folder(folder / "acoustic", "acoustic")
    assert acoustic.file("heads.npz").read_text(encoding="utf-8") == "the folds"
    assert acoustic.settings["head"] == "fold2"
    assert acoustic.name == "acoustic-fold2"
    assert acoustic.settings["labels"] == ["angry"]
    assert read_model_folder(folder / "text", "text").name == "text"


def test_a_missing_fold_model_is_named(shipped: Path, tmp_path: Path) -> None:
    (shipped / "acoustic" / "folds" / "heads.npz").unlink()
    with pytest.raises(ConfigError, match=r"heads\.npz.*checkout"):
        models.credentials_for(Call("", (), fold=3), tmp_path)


def test_other_calls_use_the_bots_own_credentials(bot_folder: Path, tmp_path: Path) -> None:
    assert models.credentials_for(Call("", ()), tmp_path) == bot_folder / "credentials.yml"


def test_a_call_keeps_its_conversations_to_itself(tmp_path: Path) -> None:
    endpoints = models.endpoints_for(tmp_path)
    assert read_endpoints(endpoints).database == f"sqlite:///{tmp_path}/conversations.db"


def test_a_failing_server_is_one_clear_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = "import sys; print('usual chatter'); print('some.module.SadError: no such channel'); sys.exit(3)"
    monkeypatch.setattr(server, "_rasa", lambda verb: [server.sys.executable, "-c", script])
    with pytest.raises(server.BotError, match=r"code 3[\s\S]*SadError: no such channel") as caught:  # noqa: SIM117
        with server.running_bot(Path("model"), Path("credentials.yml"), Path("endpoints.yml"), tmp_path / "log"):
            pass
    assert "chatter" not in str(caught.value)


def test_a_failing_training_is_one_clear_error(
    bot_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bot = tmp_path / "bot"
    shutil.copytree(bot_folder, bot, ignore=shutil.ignore_patterns("models", ".rasa", "playback"))
    script = "import sys; print('a.b.YamlError: line 3'); sys.exit(1)"
    monkeypatch.setattr(server, "_rasa", lambda verb: [server.sys.executable, "-c", script])
    with pytest.raises(server.BotError, match=r"could not be trained[\s\S]*YamlError: line 3"):
        server.trained_model(bot)


def test_a_server_that_refuses_is_one_clear_error() -> None:
    with pytest.raises(server.BotError, match="did not answer POST"):
        server.Bot("http://127.0.0.1:9").send("x", "hello", None)
