"""What Rasa's training and testing make of the components."""

import shutil

import pytest
from rasa.core.agent import Agent
from rasa.model_testing import test_core as run_core_test
from rasa.model_testing import test_nlu as run_nlu_test
from rasa.shared.exceptions import InvalidConfigException

pytestmark = pytest.mark.rasa


@pytest.fixture
def copy(bot, tmp_path):
    """`copy(file, old, new)`: the folder of an untrained copy of the bot, with one change."""

    def make(file, old, new):
        folder = tmp_path / "copy"
        shutil.copytree(bot, folder, ignore=shutil.ignore_patterns("models", "*.log", "*.db"))
        text = (folder / file).read_text()
        assert old in text
        (folder / file).write_text(text.replace(old, new))
        return folder

    return make


def hit(result):
    """Whether Rasa would take the classifier from its cache."""
    (found,) = [status.is_hit for name, status in result.dry_run_results.items() if "EmotionClassifier" in name]
    return found


def test_a_changed_model_file_makes_rasa_train_again(copy, train, tmp_path):
    weights = tmp_path / "emotions"
    weights.mkdir()
    (weights / "weights").write_text("1")
    classifier = "rasa_emotion.EmotionClassifier"
    folder = copy("config.yml", classifier, f"{classifier}\n    models: {weights}")
    train(folder)
    assert hit(train(folder, dry_run=True))
    (weights / "weights").write_text("2")
    assert not hit(train(folder, dry_run=True))
    train(folder)
    assert hit(train(folder, dry_run=True))


ANNOTATED = """- broken
  - intent: crimson
    metadata: {emotion: angry}
    examples: |
      - My parcel came in crimson
      - It is crimson again
      - So I got a crimson one
      - They sent crimson
  - intent: teal
    metadata: {emotion: happy}
    examples: |
      - My parcel came in teal
      - It is teal again
      - So I got a teal one
      - They sent teal
  - intent: more_faults
    examples: |
      - damage"""


async def odds(folder):
    """How much more probable anger is than happiness, by colour, to the bot that was trained in a folder."""
    agent = Agent.load(str(next((folder / "models").glob("*.tar.gz"))))
    found = {}
    for colour in ("crimson", "teal"):
        parsed = await agent.parse_message(f"The box at my door is {colour}.")
        said = parsed["emotion_estimate"]["evidence"]["text"]["probabilities"]
        found[colour] = said["angry"] / said["happy"]
    return found


async def test_annotated_examples_teach_the_bot(copy, train, bot):
    folder = copy("data/nlu.yml", "- broken", ANNOTATED)
    domain = (folder / "domain.yml").read_text()
    (folder / "domain.yml").write_text(
        domain.replace("intents:\n", "intents:\n  - crimson\n  - teal\n  - more_faults\n")
    )
    train(folder, shipped=True)
    untaught, taught = [await odds(place) for place in (bot, folder)]
    assert taught["teal"] < 1 < taught["crimson"]
    assert taught["crimson"] / taught["teal"] > 1.5 * untaught["crimson"] / untaught["teal"]
    assert hit(train(folder, dry_run=True, shipped=True))
    nlu = folder / "data" / "nlu.yml"
    nlu.write_text(nlu.read_text().replace("emotion: happy", "emotion: surprise"))
    assert not hit(train(folder, dry_run=True, shipped=True))


@pytest.mark.parametrize(
    ("file", "old", "new", "sentence"),
    [
        ("domain.yml", "utter_handoff", "utter_bye", "no action 'utter_handoff'"),
        ("domain.yml", "  escalated:", "  escaped:", "no slot 'escalated'"),
        ("config.yml", "exempt_intents: [goodbye]", "extreme: 2", "'extreme' is 2"),
        (
            "config.yml",
            "EmotionClassifier",
            "EmotionClassifier\n    min_confidence: high",
            "'min_confidence' is 'high'",
        ),
    ],
)
def test_training_refuses_what_could_not_work(  # noqa: PLR0917 -- two of them are fixtures
    copy, train, file, old, new, sentence
):
    with pytest.raises(InvalidConfigException, match=sentence):
        train(copy(file, old, new))


async def test_rasa_test_nlu(bot, tmp_path, monkeypatch):
    from fake_analyzer import install  # noqa: PLC0415

    install(monkeypatch)
    model = next((bot / "models").glob("*.tar.gz"))
    await run_nlu_test(str(model), str(bot / "data" / "nlu.yml"), str(tmp_path), {"errors": True}, str(bot))
    assert (tmp_path / "intent_report.json").is_file()


async def test_rasa_test_core(bot, tmp_path, monkeypatch):
    from fake_analyzer import install  # noqa: PLC0415

    install(monkeypatch)
    stories = tmp_path / "test_stories.yml"
    stories.write_text(
        "stories:\n- story: greeting\n  steps:\n"
        "  - user: hello\n    intent: greet\n  - action: utter_greet\n"
        "- story: farewell\n  steps:\n  - user: bye\n    intent: goodbye\n  - action: utter_goodbye\n"
    )
    model = next((bot / "models").glob("*.tar.gz"))
    await run_core_test(str(model), str(stories), str(tmp_path), {"e2e": True})
    assert (tmp_path / "story_report.json").is_file()
    failed = tmp_path / "failed_test_stories.yml"
    assert not failed.exists() or "None of the test stories failed" in failed.read_text()
