"""Bots that `init` changed are valid for Rasa, train and answer."""

import asyncio
import shutil
from importlib.util import find_spec
from pathlib import Path

import pytest

from rasa_emotion.cli.bot_files import write
from rasa_emotion.cli.bot_plan import plan

pytestmark = pytest.mark.rasa

SMALL = {
    "config.yml": """
recipe: default.v1
assistant_id: small
language: en
pipeline:
- name: WhitespaceTokenizer
- name: CountVectorsFeaturizer
- name: LogisticRegressionClassifier
policies:
- name: RulePolicy
""",
    "domain/base.yml": """
version: "3.1"
intents:
- greet
- complain
responses:
  utter_greet:
  - text: Hello!
  utter_ask_number:
  - text: Which number?
""",
    "domain/forms.yml": """
version: "3.1"
entities:
- number
slots:
  number:
    type: text
    mappings:
    - type: from_entity
      entity: number
forms:
  number_form:
    required_slots:
    - number
""",
    "data/nlu.yml": """
version: "3.1"
nlu:
- intent: greet
  examples: |
    - hello
    - hi there
    - good morning
- intent: complain
  examples: |
    - my line is dead
    - nothing works here
    - the line is down
""",
    "data/rules.yml": """
version: "3.1"
rules:
- rule: greet
  steps:
  - intent: greet
  - action: utter_greet
- rule: start the form
  steps:
  - intent: complain
  - action: number_form
  - active_loop: number_form
""",
}


@pytest.fixture
def quiet_rasa(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No telemetry, no cache of other runs."""
    monkeypatch.setenv("RASA_TELEMETRY_ENABLED", "false")
    monkeypatch.setenv("RASA_CACHE_DIRECTORY", str(tmp_path / "cache"))


def test_template_is_valid(quiet_rasa: None, tmp_path: Path) -> None:
    """All that `rasa data validate` and the start of `rasa train` check, for the bot that `rasa init` makes."""
    from rasa.engine.recipes.default_recipe import DefaultV1Recipe  # noqa: PLC0415
    from rasa.engine.validation import validate  # noqa: PLC0415
    from rasa.shared.importers.importer import TrainingDataImporter  # noqa: PLC0415
    from rasa.validator import Validator  # noqa: PLC0415

    spec = find_spec("rasa")
    assert spec is not None
    assert spec.origin is not None
    bot = tmp_path / "bot"
    shutil.copytree(Path(spec.origin).parent / "cli" / "initial_project", bot)
    write(plan(bot))
    importer = TrainingDataImporter.load_from_dict(
        config_path=str(bot / "config.yml"),
        domain_path=str(bot / "domain.yml"),
        training_data_paths=[str(bot / "data")],
    )
    validator = Validator.from_importer(importer)
    assert validator.verify_domain_validity()
    assert validator.verify_nlu(ignore_warnings=False)
    assert validator.verify_story_structure(ignore_warnings=False)
    validate(DefaultV1Recipe().graph_config_for_recipe(importer.get_config(), {}))


def test_small_bot_trains_and_answers(quiet_rasa: None, tmp_path: Path) -> None:
    from rasa.core.agent import Agent  # noqa: PLC0415
    from rasa.core.channels.channel import UserMessage  # noqa: PLC0415
    from rasa.model_training import train  # noqa: PLC0415

    bot = tmp_path / "bot"
    for name, text in SMALL.items():
        (bot / name).parent.mkdir(parents=True, exist_ok=True)
        (bot / name).write_text(text)
    write(plan(bot))
    result = train(str(bot / "domain"), str(bot / "config.yml"), [str(bot / "data")], output=str(tmp_path / "models"))
    agent = Agent.load(result.model)

    async def talk(*texts: str) -> list[list[str]]:
        answers = [await agent.handle_message(UserMessage(text, sender_id="caller")) for text in texts]
        return [[message["text"] for message in answer] for answer in answers]

    async def slots() -> dict[str, object]:
        tracker = await agent.tracker_store.get_or_create_tracker("caller")
        return {name: slot.value for name, slot in tracker.slots.items()}

    sorry = "I can hear you, but I did not catch any words. Could you say that again?"
    assert asyncio.run(talk("hello", "/voice_without_words")) == [["Hello!"], [sorry]]
    filled = asyncio.run(slots())
    assert filled["emotion"] is not None
    assert isinstance(filled["emotion_valence"], float)
    assert filled["caller_mood"] is not None
    assert asyncio.run(talk("my line is dead", "/voice_without_words")) == [["Which number?"], [sorry, "Which number?"]]
