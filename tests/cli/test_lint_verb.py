"""`rasa-emotion lint`: reads a domain of one file or many, and says with its exit code whether all is well."""

import json
import shutil
from importlib.util import find_spec
from pathlib import Path

import pytest
from typer.testing import CliRunner

from rasa_emotion.cli import app, verbs  # noqa: F401 -- verbs register themselves
from rasa_emotion.cli.bot_files import write
from rasa_emotion.cli.bot_plan import plan
from rasa_emotion.errors import ConfigError

run = CliRunner().invoke

RESPONSES = """
responses:
  utter_greet:
  - text: Hello.
  - text: Hello, I am sorry.
    condition: [{type: slot, name: emotion, value: angri}]
"""


@pytest.fixture
def domain(tmp_path: Path) -> Path:
    """A domain in a folder."""
    folder = tmp_path / "domain"
    (folder / "more").mkdir(parents=True)
    (folder / "slots.yml").write_text("slots:\n  emotion: {type: text, mappings: [{type: custom}]}\n")
    (folder / "more" / "responses.yml").write_text(RESPONSES)
    (folder / "nlu.yml").write_text("nlu: []\n")
    return folder


def test_findings_are_shown(domain: Path) -> None:
    result = run(app, ["lint", str(domain)])
    assert result.exit_code == 1
    assert "did you mean 'angry'" in " ".join(result.output.split())
    assert "2 to mend" in result.output


def test_findings_as_json(domain: Path) -> None:
    result = run(app, ["lint", str(domain / "more" / "responses.yml"), "--json"])
    assert result.exit_code == 1
    told = json.loads(result.output)
    assert (told["responses"], told["variations"]) == (1, 2)
    assert [(p["response"], p["variation"], p["kind"]) for p in told["problems"]] == [
        ("utter_greet", 2, "unreachable"),
        ("utter_greet", None, "missing"),
    ]


def test_a_clean_domain_exits_with_0(domain: Path) -> None:
    (domain / "more" / "responses.yml").write_text("responses:\n  utter_greet:\n  - text: Hello.\n")
    result = run(app, ["lint", str(domain), "--exempt", "utter_greet"])
    assert (result.exit_code, result.output) == (0, "1 responses with 1 variations: nothing to mend.\n")


def test_the_options_reach_the_lint(domain: Path, tmp_path: Path) -> None:
    (domain / "more" / "responses.yml").write_text(
        "responses:\n  utter_sorry: [{text: Sorry.}]\n  utter_greet: [{text: Hello., channel: slack}, {text: Hi.}]\n"
    )
    credentials = tmp_path / "credentials.yml"
    credentials.write_text("socketio:\n")
    options = ["--acknowledge", "utter_sorry", "--family", "upset"]
    assert run(app, ["lint", str(domain), *options, "--acknowledged"]).exit_code == 0
    assert "upset" in run(app, ["lint", str(domain), *options]).output
    assert "upset" in run(app, ["lint", str(domain), *options, "--acknowledged", "--strict"]).output, "as before 0.2"
    options += ["--acknowledged", "--credentials", str(credentials)]
    assert "socketio" in run(app, ["lint", str(domain), *options]).output
    credentials.write_text("rasa_emotion.relay.website: {channel: slack}\n")
    assert run(app, ["lint", str(domain), *options]).exit_code == 0


@pytest.mark.parametrize(
    ("responses", "sentence"),
    [
        ("responses:\n  utter_greet: Hello\n", "not a list of variations"),
        ("responses: [utter_greet]\n", "not a mapping"),
        ("intents: [greet]\n", "has no responses"),
        ("responses: {\n", "responses.yml"),
    ],
)
def test_what_is_no_domain_is_refused(domain: Path, responses: str, sentence: str) -> None:
    (domain / "more" / "responses.yml").write_text(responses)
    with pytest.raises(ConfigError, match=sentence):
        run(app, ["lint", str(domain)], catch_exceptions=False)


def test_bad_options_are_refused(domain: Path) -> None:
    for options, sentence in (
        (["lint", str(domain / "absent")], "no domain at"),
        (["lint", str(domain), "--family", "furious"], "'--family furious' is not a family"),
        (["lint", str(domain), "--credentials", str(domain / "absent.yml")], "no credentials at"),
    ):
        with pytest.raises(ConfigError, match=sentence):
            run(app, options, catch_exceptions=False)


def test_help_has_an_example() -> None:
    assert "rasa-emotion lint domain.yml" in run(app, ["lint", "--help"]).output


def test_the_example_bot_is_clean(repository: Path) -> None:
    bot = repository / "bot_example"
    thanked = ["--exempt", "utter_welcome", "--exempt", "utter_praise"]  # said to callers who are pleased
    options = ["--acknowledged", *thanked, "--credentials", str(bot / "credentials.yml")]
    result = run(app, ["lint", str(bot / "domain.yml"), *options])
    assert result.exit_code == 0, result.output


def test_after_init_the_template_lacks_what_the_quickstart_says(tmp_path: Path) -> None:
    """Each reply of the bot that `rasa init` makes, and none of those that rasa-emotion wrote."""
    spec = find_spec("rasa")
    assert spec is not None
    assert spec.origin is not None
    bot = tmp_path / "bot"
    shutil.copytree(Path(spec.origin).parent / "cli" / "initial_project", bot)
    write(plan(bot))
    own = {"utter_greet", "utter_cheer_up", "utter_did_that_help", "utter_happy", "utter_goodbye", "utter_iamabot"}
    result = run(app, ["lint", str(bot / "domain.yml"), "--json"])
    assert result.exit_code == 1
    assert {problem["response"] for problem in json.loads(result.output)["problems"]} == own
    enough = json.loads(run(app, ["lint", str(bot / "domain.yml"), "--acknowledged", "--json"]).output)["problems"]
    assert [problem["response"] for problem in enough] == ["utter_happy"], "which is glad"
