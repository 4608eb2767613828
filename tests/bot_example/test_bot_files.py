"""The example bot understands wordings that it was not trained on, and its conversations go as its stories say."""

import asyncio
import json
from pathlib import Path

import pytest

pytestmark = pytest.mark.rasa


@pytest.fixture(scope="module")
def agent(bot_model: Path):
    from rasa.core.agent import Agent  # noqa: PLC0415 -- imports TensorFlow

    return Agent.load(str(bot_model))


def test_held_out_wordings_are_understood(agent, bot_folder: Path, tmp_path: Path) -> None:
    from rasa.nlu.test import run_evaluation  # noqa: PLC0415

    held_out = bot_folder / "tests" / "test_nlu.yml"
    result = asyncio.run(
        run_evaluation(str(held_out), agent.processor, output_directory=str(tmp_path), disable_plotting=True)
    )

    assert result["intent_evaluation"]["accuracy"] >= 0.9
    entities = result["entity_evaluation"]["RegexEntityExtractor"]["report"]
    assert entities["weighted avg"]["f1-score"] >= 0.95


def test_held_out_wordings_are_not_training_examples(bot_folder: Path) -> None:
    from rasa.shared.nlu.training_data.loading import load_data  # noqa: PLC0415

    trained, held_out = (
        {message.get("text").casefold() for message in load_data(str(bot_folder / name)).training_examples}
        for name in ("data/nlu.yml", "tests/test_nlu.yml")
    )
    assert held_out
    assert not trained & held_out


def test_conversations_go_as_the_stories_say(agent, bot_folder: Path, tmp_path: Path) -> None:
    from rasa.core.test import test as evaluate_stories  # noqa: PLC0415

    stories = bot_folder / "tests" / "test_stories.yml"
    asyncio.run(evaluate_stories(str(stories), agent, out_directory=str(tmp_path), disable_plotting=True, e2e=True))

    report = json.loads((tmp_path / "story_report.json").read_text(encoding="utf-8"))
    failed = (tmp_path / "failed_test_stories.yml").read_text(encoding="utf-8")
    assert report["conversation_accuracy"]["total"] >= 8
    assert report["conversation_accuracy"]["accuracy"] == 1.0, failed


def test_every_intent_has_a_held_out_wording(bot_folder: Path) -> None:
    from rasa.shared.core.domain import Domain  # noqa: PLC0415
    from rasa.shared.nlu.training_data.loading import load_data  # noqa: PLC0415

    held_out = load_data(str(bot_folder / "tests" / "test_nlu.yml")).intents
    spoken = set(Domain.load(str(bot_folder / "domain.yml")).as_dict()["intents"]) - {
        "nlu_fallback",
        "voice_without_words",
    }
    assert spoken == held_out
    assert len(spoken) >= 12
