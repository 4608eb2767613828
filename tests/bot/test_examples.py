"""What annotated examples of a bot's training data teach, with the text model that ships."""

import pytest
from rasa.shared.exceptions import InvalidConfigException
from rasa.shared.importers.utils import training_data_from_paths
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from rasa_emotion.bot.classifier import CHECKSUM_FILE, EmotionClassifier
from rasa_emotion.bot.examples import emotion_examples
from rasa_emotion.errors import ConfigError
from rasa_emotion.text.adapter import ABOUT_FILE

TEXTS = ("My parcel came in {}.", "It is {} again.", "So I got a {} one.", "They sent {}, you know.")
NLU = """
version: "3.1"
nlu:
- intent: complain
  metadata:
    emotion: angry
  examples:
  - text: |
      It is crimson again
  - text: |
      They sent [crimson](colour)
    metadata:
      emotion: sad
      author: Kim
- intent: greet
  examples: |
    - hello
- intent: bye
  metadata: a note
  examples:
  - text: farewell
    metadata: [1, 2]
"""


def example(text, emotion, **intent):
    return Message.build(text, "any", intent_metadata=intent or None, example_metadata={"emotion": emotion})


def data(*messages):
    return TrainingData(training_examples=list(messages))


@pytest.fixture(scope="module")
def annotated():
    """In this shop a crimson parcel is a disaster, and a teal one a delight."""
    kinds = (("crimson", "angry"), ("teal", "happy"))
    return data(*(example(text.format(colour), emotion) for colour, emotion in kinds for text in TEXTS))


def judged(classifier, text="The box at my door is crimson."):
    (found,) = classifier.process([Message({"text": text})])
    return found.get("emotion_estimate")["evidence"]["text"]["probabilities"]


def odds(classifier, colour):
    """How much more probable anger is than happiness, at a parcel of this colour in a sentence that was no example."""
    found = judged(classifier, f"The box at my door is {colour}.")
    return found["angry"] / found["happy"]


def test_the_metadata_of_rasas_yaml_are_read(tmp_path):
    (tmp_path / "nlu.yml").write_text(NLU)
    found = training_data_from_paths([str(tmp_path / "nlu.yml")], "en")
    assert emotion_examples(found) == [("It is crimson again", "angry"), ("They sent crimson", "sad")]


def test_the_same_example_counts_once():
    assert emotion_examples(data(example("No.", "angry"), example("No.", "angry"))) == [("No.", "angry")]


def test_what_was_learned_is_stored_with_the_bot_and_used(graph, annotated):
    untaught = EmotionClassifier.create({}, *graph)
    storage, resource, _ = graph
    EmotionClassifier.create({}, *graph).train(annotated)
    with storage.read_from(resource) as folder:
        assert (folder / ABOUT_FILE).is_file()
    taught = EmotionClassifier.load({}, *graph)
    assert odds(taught, "teal") < 1 < odds(taught, "crimson")
    assert odds(taught, "crimson") / odds(taught, "teal") > 1.5 * odds(untaught, "crimson") / odds(untaught, "teal")
    assert judged(EmotionClassifier.load({"adapt": False}, *graph)) == judged(untaught)


def test_nothing_is_learned_where_that_is_switched_off(graph, annotated):
    storage, resource, _ = graph
    EmotionClassifier.create({"adapt": False}, *graph).train(annotated)
    with storage.read_from(resource) as folder:
        assert not (folder / ABOUT_FILE).exists()


def test_too_few_examples_cost_one_warning_and_no_training(graph, caplog):
    EmotionClassifier.create({}, *graph).train(data(example("No.", "angry"), example("Yes.", "happy")))
    (warning,) = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert "The examples with an emotion (1 angry, 1 happy) are too few to learn from" in warning
    assert judged(EmotionClassifier.load({}, *graph)) == judged(EmotionClassifier.create({}, *graph))


@pytest.mark.parametrize("emotion", ["cross", "Angry", 5, ["angry"]])
def test_an_unknown_emotion_stops_the_training(graph, emotion):
    with pytest.raises(InvalidConfigException, match=r"The example 'No\.' of the intent 'any' has the emotion") as stop:
        EmotionClassifier.create({}, *graph).train(data(example("No.", emotion)))
    assert f"'{emotion}'" in str(stop.value)


def test_an_example_without_a_word_stops_the_training(graph, annotated):
    with pytest.raises(InvalidConfigException, match=r"The example '\.\.\.' holds no word"):
        EmotionClassifier.create({}, *graph).train(data(*annotated.training_examples, example("...", "angry")))


def test_without_a_text_model_the_training_says_so(graph, annotated, tmp_path, caplog):
    EmotionClassifier.create({"models": str(tmp_path)}, *graph).train(annotated)
    assert "The examples with an emotion teach nothing, as there is no text model" in caplog.text


def test_what_another_text_model_learned_is_left_aside(graph, annotated, caplog):
    storage, resource, _ = graph
    EmotionClassifier.create({}, *graph).train(annotated)
    with storage.write_to(resource) as folder:
        text = (folder / ABOUT_FILE).read_text()
        (folder / ABOUT_FILE).write_text(text.replace('"model": "', '"model": "0'))
        (folder / CHECKSUM_FILE).write_text('{"checksum": "that of other models"}')
    caplog.clear()
    assert judged(EmotionClassifier.load({}, *graph)) == judged(EmotionClassifier.create({}, *graph))
    (warning,) = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert "learned on another text model than the one in use; run `rasa train` again" in warning


def test_an_emotion_of_an_intent_is_checked_too():
    message = Message.build("No.", "any", intent_metadata={"emotion": "cross"})
    with pytest.raises(ConfigError, match="'cross'"):
        emotion_examples(data(message))
