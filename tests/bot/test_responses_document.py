"""docs/responses.md says what is so: its example is played, its tables and documents are compared."""

import re

import pytest
from fake_analyzer import estimate
from rasa.core.actions.action import create_bot_utterance
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import UserUttered
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.utils.endpoints import EndpointConfig
from ruamel.yaml import YAML
from typer.testing import CliRunner

from rasa_emotion.bot.rasa_versions import named_output
from rasa_emotion.bot.response_options import DEFAULTS
from rasa_emotion.bot.responses import EmotionResponses
from rasa_emotion.cli import app, verbs  # noqa: F401 -- verbs register themselves
from rasa_emotion.conversation.rephrase import RULES
from rasa_emotion.conversation.ssml import DIALECTS, PROSODY, render

FEELINGS = {"calm": "calm", "worried": "fear", "angry": "angry"}


@pytest.fixture(scope="module")
def document(repository):
    return (repository / "docs" / "responses.md").read_text(encoding="utf-8")


def blocks(document, language):
    return re.findall(rf"```{language}\n(.*?)```", document, flags=re.DOTALL)


def rows(document, head):
    """The rows of the table whose head begins so, each as its cells."""
    table = document.split(f"| {head} |", 1)[1].split("\n\n", 1)[0].splitlines()[2:]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in table]


async def test_the_call_goes_as_written(document):
    (written,) = [block for block in blocks(document, "yaml") if "responses:" in block]
    domain = Domain.from_yaml(written)
    generator = EmotionResponses(None, domain)
    tracker = DialogueStateTracker.from_events("x", [], slots=domain.slots)
    call = rows(document, "the caller is")
    assert len(call) == 6
    for feeling, utters, says in call:
        parsed = {"emotion_estimate": estimate(FEELINGS[feeling], 0.9).to_dict()}
        tracker.update(UserUttered("words", parse_data=parsed))
        name = utters.strip("`")
        response = await generator.generate(name, tracker, named_output("rest"))
        assert response["text"] == says
        tracker.update(create_bot_utterance({**response, "utter_action": name}))


def test_the_configurations_are_accepted(document):
    written = [YAML(typ="safe").load(block)["nlg"] for block in blocks(document, "yaml") if "nlg:" in block]
    assert len(written) == 3
    for nlg in written:
        EmotionResponses(EndpointConfig.from_dict(nlg), Domain.empty())


def test_every_option_is_there_with_its_default(document):
    defaults = {cells[0].strip("`"): YAML(typ="safe").load(cells[1]) for cells in rows(document, "option")}
    assert defaults == DEFAULTS


def test_every_rule_and_dialect_is_there(document):
    assert [cells[0].strip("`") for cells in rows(document, "rule")] == list(RULES)
    assert [cells[0].strip("`") for cells in rows(document, "`ssml`")] == list(DIALECTS)


def test_the_table_of_prosody(document):
    found = {}
    for callers, *cells, style in rows(document, "caller"):
        numbers = [int(cell.split()[0]) for cell in cells]
        found |= {caller.strip("`"): (*numbers, style or None) for caller in callers.split(", ")}
    assert found == {name: (row.rate, row.pitch, row.volume, row.pause_ms, row.style) for name, row in PROSODY.items()}


def test_the_same_words_in_each_dialect(document):
    (written,) = blocks(document, "xml")
    made = [render("Hello. All is well.", PROSODY["worried"], name, voice=voice) for name, voice in zip(
        DIALECTS, (None, "en-US-AriaNeural", None, None), strict=True
    )]  # fmt: skip
    assert written.splitlines() == made


def test_the_lint_finds_what_is_shown(document, tmp_path):
    domain = tmp_path / "domain.yml"
    domain.write_text(
        "responses:\n  utter_greet:\n  - text: Hello.\n  - text: Sorry.\n"
        "    condition: [{type: slot, name: emotion, value: angri}]\n"
        "slots:\n  emotion: {type: text, mappings: [{type: custom}]}\n"
    )
    (shown,) = [block for block in blocks(document, "console") if "rasa-emotion lint" in block]
    printed = CliRunner().invoke(app, ["lint", str(domain)], env={"COLUMNS": "160"}).output
    assert [line.split() for line in printed.splitlines()] == [line.split() for line in shown.splitlines()[1:]]


def test_every_option_of_the_lint_is_there(document):
    shown = CliRunner().invoke(app, ["lint", "--help"], env={"COLUMNS": "160"}).output
    named = set(re.findall(r"^\| `(--[a-z]+)", document, flags=re.MULTILINE))
    assert named == set(re.findall(r"--[a-z]+", re.sub("rasa-emotion lint.*", "", shown))) - {"--help"}
