"""`rasa-emotion init` adds the plugin to bots of every shape and destroys nothing."""

import json
import shutil
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML
from typer.testing import CliRunner

from rasa_emotion.cli import additions, app, verbs  # noqa: F401 -- verbs register themselves
from rasa_emotion.cli.bot_files import write
from rasa_emotion.cli.bot_plan import plan
from rasa_emotion.errors import ConfigError

run = CliRunner().invoke
CONFIG = "recipe: default.v1\nlanguage: en\npipeline:\n- name: WhitespaceTokenizer\npolicies:\n- name: RulePolicy\n"


def rasa_folder() -> Path:
    """Where Rasa is installed, without importing it."""
    spec = find_spec("rasa")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent


@pytest.fixture
def template(tmp_path: Path) -> Path:
    """The bot that `rasa init` makes."""
    bot = tmp_path / "bot"
    shutil.copytree(rasa_folder() / "cli" / "initial_project", bot)
    return bot


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A bot of two files."""
    bot = tmp_path / "bot"
    bot.mkdir()
    (bot / "config.yml").write_text(CONFIG)
    (bot / "domain.yml").write_text('version: "3.1"\nintents:\n- greet\n')
    return bot


def load(path: Path) -> Any:
    return YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))


def contents(bot: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in bot.rglob("*") if path.is_file()}


def names(items: list[Any]) -> list[str]:
    return [item["name"] for item in items]


def test_template_gets_all_parts(template: Path) -> None:
    result = run(app, ["init", str(template), "--yes"])
    assert result.exit_code == 0
    config, domain = load(template / "config.yml"), load(template / "domain.yml")
    assert names(config["pipeline"])[-1] == "rasa_emotion.EmotionClassifier"
    assert "rasa_emotion.EmotionPolicy" in names(config["policies"])
    assert set(additions.SLOT_TYPES) == set(domain["slots"])
    assert {"utter_greet", *additions.SAID_WHEN} <= set(domain["responses"])
    assert domain["intents"][-1] == "voice_without_words"
    assert domain["intents"][:2] == ["greet", "goodbye"]
    assert domain["session_config"] == {"session_expiration_time": 60, "carry_over_slots_to_new_session": True}
    assert load(template / "endpoints.yml") == {
        "nlg": {"type": "rasa_emotion.EmotionResponses"},
        "tracker_store": {"type": "rasa_emotion.EmotionTrackerStore", "dialect": "sqlite", "db": "rasa_emotion.db"},
    }
    assert load(template / "credentials.yml") == {
        "rasa_emotion.relay.rest": {"channel": "rest"},
        "rasa": {"url": "http://localhost:5002/api"},
        "rasa_emotion.RelayInput": {"channel": "rasa_emotion.EmotionRestInput"},
    }
    rules = load(template / "data" / "emotion_rules.yml")["rules"]
    assert [rule["steps"] for rule in rules] == [
        [{"intent": "voice_without_words"}, {"action": "utter_voice_without_words"}],
        [{"intent": "emotion_off"}, {"action": "utter_emotion_off"}],
        [{"intent": "emotion_on"}, {"action": "utter_emotion_on"}],
    ]
    assert "utter_emotion_disclosure" in domain["responses"]
    nlu = load(template / "data" / "emotion_nlu.yml")["nlu"]
    assert [entry["intent"] for entry in nlu] == ["emotion_off", "emotion_on"]
    assert all(len(entry["examples"].splitlines()) >= 10 for entry in nlu)
    assert "examples: |\n" in (template / "data" / "emotion_nlu.yml").read_text()


def test_every_line_that_stood_there_still_does(template: Path) -> None:
    """Other than the names of channels, around which a relay is put."""
    before = {path: path.read_text(encoding="utf-8").splitlines() for path in template.rglob("*.yml")}
    run(app, ["init", str(template), "--yes"])
    credentials = before[template / "credentials.yml"]
    credentials[credentials.index("rest:")] = "rasa_emotion.relay.rest:"
    for path, lines in before.items():
        left = iter(path.read_text(encoding="utf-8").splitlines())
        for line in lines:
            assert line in left, f"{path.name} lost {line!r}"


def test_second_run_has_nothing_to_do(template: Path) -> None:
    run(app, ["init", str(template), "--yes"])
    before = contents(template)
    result = run(app, ["init", str(template)])
    assert result.exit_code == 0
    assert "Nothing to do" in result.stdout
    assert contents(template) == before


def test_automatic_parts_are_those_of_the_installed_rasa() -> None:
    default = load(rasa_folder() / "engine" / "recipes" / "config_files" / "default_config.yml")
    assert default["pipeline"] == additions.AUTOMATIC_PIPELINE
    assert default["policies"] == additions.AUTOMATIC_POLICIES


def test_automatic_policies_are_written_out_with_a_comment(small: Path) -> None:
    (small / "config.yml").write_text("recipe: default.v1\npipeline:\n- name: WhitespaceTokenizer\n")
    write(plan(small))
    policies = load(small / "config.yml")["policies"]
    assert policies == [*additions.AUTOMATIC_POLICIES, {"name": "rasa_emotion.EmotionPolicy"}]
    assert "# Rasa's automatic policies" in (small / "config.yml").read_text()
    assert names(load(small / "config.yml")["pipeline"]) == ["WhitespaceTokenizer", "rasa_emotion.EmotionClassifier"]


def test_listed_policies_stay_alone(small: Path) -> None:
    write(plan(small))
    assert names(load(small / "config.yml")["policies"]) == ["RulePolicy", "rasa_emotion.EmotionPolicy"]
    assert "#" not in (small / "config.yml").read_text()


@pytest.mark.parametrize(
    "name",
    [
        "EmotionClassifier",
        "rasa_emotion.bot.classifier.EmotionClassifier",
        "rasa_emotion.components.classifier.EmotionClassifier",
    ],
)
def test_other_spellings_count_as_there(small: Path, name: str) -> None:
    (small / "config.yml").write_text(CONFIG.replace("WhitespaceTokenizer", name))
    write(plan(small))
    assert names(load(small / "config.yml")["pipeline"]) == [name]


def test_dry_run_writes_nothing(template: Path) -> None:
    before = contents(template)
    result = run(app, ["init", str(template), "--dry-run", "--yes"])
    assert result.exit_code == 0
    assert "+  - voice_without_words" in result.stdout
    assert contents(template) == before


def test_asks_first(small: Path) -> None:
    before = contents(small)
    result = run(app, ["init", str(small)], input="n\n")
    assert "Write these changes?" in result.stdout
    assert contents(small) == before
    result = run(app, ["init", str(small)], input="y\n")
    assert result.exit_code == 0
    assert contents(small) != before


def test_json(small: Path) -> None:
    before = contents(small)
    planned = json.loads(run(app, ["init", str(small), "--json"]).stdout)
    assert planned["written"] is False
    assert contents(small) == before
    assert {change["file"]: change["action"] for change in planned["changes"]} == {
        "config.yml": "edit",
        "domain.yml": "edit",
        "data/emotion_rules.yml": "create",
        "data/emotion_nlu.yml": "create",
        "endpoints.yml": "create",
        "credentials.yml": "create",
    }
    assert all(change["diff"].startswith("--- ") for change in planned["changes"])
    written = json.loads(run(app, ["init", str(small), "--json", "--yes"]).stdout)
    assert written == {**planned, "written": True}
    assert json.loads(run(app, ["init", str(small), "--json"]).stdout)["changes"] == []


def test_help_has_an_example() -> None:
    assert "Example: rasa-emotion init" in run(app, ["init", "--help"]).stdout


def test_split_domain_gets_a_file_of_its_own(small: Path) -> None:
    (small / "domain.yml").unlink()
    (small / "domain" / "sales").mkdir(parents=True)
    intents = "".join(f"- {name}\n" for name in ("greet", "emotion_off", "emotion_on", "voice_without_words"))
    (small / "domain" / "base.yml").write_text(f'version: "3.1"\nintents:\n{intents}')
    (small / "domain" / "sales" / "all.yaml").write_text("responses:\n  utter_handoff:\n  - text: One moment!\n")
    (small / "domain" / "notes.yml").write_text("authors: [me]\n")
    before = contents(small / "domain")
    write(plan(small))
    after = contents(small / "domain")
    new = small / "domain" / "emotion.yml"
    assert {path: after[path] for path in before} == before
    assert set(after) - set(before) == {new}
    domain = load(new)
    assert domain["version"] == "3.1"
    assert set(domain["slots"]) == set(additions.SLOT_TYPES)
    assert set(domain["responses"]) == set(additions.SAID_WHEN) - {"utter_handoff"}
    assert "intents" not in domain
    assert plan(small).changes == ()
    new.write_text('version: "3.1"\nintents:\n- wave\n')
    write(plan(small))
    assert load(new)["intents"] == ["wave"]
    assert "slots" in load(new)


def test_domain_elsewhere(small: Path) -> None:
    (small / "domain.yml").rename(small / "telephone.yml")
    with pytest.raises(ConfigError, match="has no domain at 'domain'; name its file or folder with --domain"):
        plan(small)
    result = run(app, ["init", str(small), "--domain", "telephone.yml", "--yes"])
    assert result.exit_code == 0
    assert "emotion" in load(small / "telephone.yml")["slots"]


@pytest.mark.parametrize("absolute", [True, False])
def test_domain_folder_with_another_name(small: Path, absolute: bool) -> None:
    (small / "domains").mkdir()
    (small / "domain.yml").rename(small / "domains" / "base.yml")
    write(plan(small, small / "domains" if absolute else Path("domains")))
    assert "emotion" in load(small / "domains" / "emotion.yml")["slots"]


def test_existing_nlg_is_wrapped(small: Path) -> None:
    (small / "endpoints.yml").write_text(
        "# ours\nnlg:\n  url: http://localhost/nlg  # port 80\ntracker_store:\n  type: x\n"
    )
    write(plan(small))
    assert (small / "endpoints.yml").read_text() == (
        "# ours\nnlg:\n  type: rasa_emotion.EmotionResponses\n  wrap:\n    url: http://localhost/nlg  # port 80\n"
        "tracker_store:\n  type: x\n"
    )
    assert plan(small).changes == ()


def test_forms_get_rules_and_rules_that_are_there_count(small: Path) -> None:
    forms = "forms:\n  one_form:\n    required_slots: []\n  two_form:\n    required_slots: []\n"
    domain = f'version: "3.1"\nintents:\n- greet\n{forms}'
    (small / "domain.yml").write_text(domain)
    (small / "data").mkdir()
    (small / "data" / "rules.yml").write_text(
        "rules:\n- rule: mine\n  steps:\n  - intent: voice_without_words\n  - action: utter_hm\n"
        "- rule: mine in a form\n  condition:\n  - active_loop: one_form\n  steps:\n  - intent: voice_without_words\n"
        "  - action: one_form\n  - active_loop: one_form\n"
    )
    write(plan(small))
    rules = load(small / "data" / "emotion_rules.yml")["rules"]
    (rule,) = [rule for rule in rules if rule["steps"][0] == {"intent": "voice_without_words"}]
    assert [rule.get("condition", [{"active_loop": None}])[0]["active_loop"] for rule in rules] == [
        "two_form",
        *[None, "one_form", "two_form"] * 2,
    ]
    assert rule["condition"] == [{"active_loop": "two_form"}]
    assert rule["steps"][1:] == [
        {"action": "utter_voice_without_words"},
        {"action": "two_form"},
        {"active_loop": "two_form"},
    ]
    assert plan(small).changes == ()


def test_no_reply_is_added_where_all_rules_are_there(small: Path) -> None:
    (small / "data").mkdir()
    mine = (
        f"- rule: mine {intent}\n  steps:\n  - intent: {intent}\n  - action: utter_hm\n"
        for intent in ("voice_without_words", "emotion_off", "emotion_on")
    )
    (small / "data" / "rules.yml").write_text("rules:\n" + "".join(mine))
    write(plan(small))
    assert set(load(small / "domain.yml")["responses"]) == set(additions.SAID_WHEN) - set(additions.REPLIES.values())
    assert not (small / "data" / "emotion_rules.yml").exists()


def test_own_slots_of_fitting_type_stay(small: Path) -> None:
    slots = "slots:\n  emotion:\n    type: categorical\n    values: [angry]\n    mappings:\n    - type: custom\n"
    (small / "domain.yml").write_text(f"intents: [greet]\n{slots}")
    planned = plan(small)
    assert any("'emotion'" in note and "from_entity" in note for note in planned.notes)
    write(planned)
    assert load(small / "domain.yml")["slots"]["emotion"]["values"] == ["angry"]
    assert load(small / "domain.yml")["intents"] == ["greet", "emotion_off", "emotion_on", "voice_without_words"]


def test_slots_that_take_any_text_are_noted(small: Path) -> None:
    slots = "slots:\n  complaint:\n    type: text\n    mappings:\n    - type: from_text\n"
    (small / "domain.yml").write_text(slots)
    result = run(app, ["init", str(small), "--dry-run"])
    assert "not_intent: [voice_without_words, emotion_off, emotion_on]" in " ".join(result.stdout.split())
    (small / "domain.yml").write_text(slots + "      not_intent: voice_without_words\n")
    assert "not_intent: [emotion_off, emotion_on]" in plan(small).notes[0]
    (small / "domain.yml").write_text(slots + "      not_intent: [voice_without_words, emotion_off, emotion_on]\n")
    assert plan(small).notes == ()


def test_examples_that_are_there_stay_alone(small: Path) -> None:
    (small / "data").mkdir()
    (small / "data" / "nlu.yml").write_text("nlu:\n- intent: emotion_off\n  examples: |\n    - let me be\n")
    write(plan(small))
    assert [entry["intent"] for entry in load(small / "data" / "emotion_nlu.yml")["nlu"]] == ["emotion_on"]
    assert plan(small).changes == ()


def test_forms_that_ignore_intents_are_noted(small: Path) -> None:
    form = "forms:\n  order:\n    required_slots: []\n"
    (small / "domain.yml").write_text(form + "    ignored_intents: [chitchat]\n")
    (note,) = plan(small).notes
    assert "The form 'order' has ignored_intents" in note
    (small / "domain.yml").write_text(form + "    ignored_intents: []\n")
    assert plan(small).notes == ()


def test_line_ends_and_letters_stay(small: Path) -> None:
    (small / "domain.yml").write_bytes("intents:\r\n- grüße\r\nresponses:\r\n  utter_hi:\r\n  - text: 😀\r\n".encode())
    write(plan(small))
    data = (small / "domain.yml").read_bytes()
    assert b"\n" not in data.replace(b"\r\n", b"")
    assert "- grüße\r\n- emotion_off\r\n- emotion_on\r\n- voice_without_words\r\n".encode() in data
    assert "😀".encode() in data


def test_mode_and_links_stay(small: Path) -> None:
    (small / "shared.yml").write_text(CONFIG)
    (small / "shared.yml").chmod(0o640)
    (small / "config.yml").unlink()
    (small / "config.yml").symlink_to("shared.yml")
    write(plan(small))
    assert (small / "config.yml").is_symlink()
    assert "EmotionPolicy" in (small / "shared.yml").read_text()
    assert (small / "shared.yml").stat().st_mode & 0o777 == 0o640


BAD = {
    "no bot": ("config.yml", None, "is not a Rasa bot, it has no config.yml"),
    "no domain": ("domain.yml", None, "has no domain at 'domain'"),
    "broken config": ("config.yml", b"pipeline: [a\nb: c\n", "config.yml' is not valid YAML at line 2"),
    "broken domain": ("domain.yml", b"intents:\n- a\n b: c\n", "domain.yml' is not valid YAML at line 3"),
    "broken rules": ("data/r.yml", b"rules: [voice_without_words\na: b\n", "r.yml' is not valid YAML at line 2"),
    "other letters": ("domain.yml", "intents: [grüße]".encode("latin-1"), "domain.yml' is not UTF-8 text"),
    "graph recipe": ("config.yml", b"recipe: graph.v1\n", "uses the recipe graph.v1"),
    "pipeline by name": ("config.yml", b"pipeline: spacy\n", "'pipeline' in 'config.yml' is not a list"),
    "intents no list": ("domain.yml", b"intents: {a: b}\n", "'intents' in 'domain.yml' is not a list"),
    "slots no mapping": ("domain.yml", b"slots: [a]\n", "'slots' in 'domain.yml' is not a mapping"),
    "nlg no mapping": ("endpoints.yml", b"nlg: http://x\n", "'nlg' in 'endpoints.yml' is not a mapping"),
    "slot of another type": (
        "domain.yml",
        b"slots:\n  emotion_valence:\n    type: text\n",
        "The slot 'emotion_valence' in 'domain.yml' has type text, where rasa-emotion needs float",
    ),
    "slot without a type": ("domain.yml", b"slots:\n  escalated:\n", "has type None, where rasa-emotion needs bool"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_bots_are_refused_and_stay_as_they_are(small: Path, case: str) -> None:
    name, data, fault = BAD[case]
    path = small / name
    path.parent.mkdir(exist_ok=True)
    if data is None:
        path.unlink()
    else:
        path.write_bytes(data)
    before = contents(small)
    with pytest.raises(ConfigError) as caught:
        write(plan(small))
    message = str(caught.value)
    assert fault in message
    assert "; " in message, "no remedy"
    assert "\n" not in message
    assert contents(small) == before


def test_read_only_file(small: Path) -> None:
    (small / "domain.yml").chmod(0o444)
    before = contents(small)
    with pytest.raises(ConfigError, match="is read-only; make it writable"):
        write(plan(small))
    assert contents(small) == before


def test_file_that_changed_meanwhile(small: Path) -> None:
    planned = plan(small)
    (small / "domain.yml").write_text("intents: [other]\n")
    with pytest.raises(ConfigError, match="was changed in the meantime"):
        write(planned)
    planned = plan(small)
    (small / "credentials.yml").write_text("rest:\n")
    with pytest.raises(ConfigError, match="appeared in the meantime"):
        write(planned)
    assert "rasa_emotion" not in (small / "config.yml").read_text()


def test_a_channel_inside_a_relay_is_there_already(small: Path) -> None:
    (small / "credentials.yml").write_text("rasa_emotion.RelayInput: {channel: rasa_emotion.EmotionRestInput}\n")
    assert all(change.file.path.name != "credentials.yml" for change in plan(small).changes)
    (small / "credentials.yml").write_text("rasa_emotion.RelayInput: {channel: rest}\n")
    write(plan(small))
    assert load(small / "credentials.yml") == {
        "rasa_emotion.RelayInput": {"channel": "rest"},
        "rasa_emotion.relay.emotion": {"channel": "rasa_emotion.EmotionRestInput"},
    }
    assert plan(small).changes == ()


@pytest.mark.parametrize("failing", ["write_bytes", "replace"])
def test_all_or_nothing(small: Path, monkeypatch: pytest.MonkeyPatch, failing: str) -> None:
    """A disk that is full in the middle leaves the bot as it was."""
    planned, before = plan(small), contents(small)
    original = getattr(Path, failing)

    def fail_on_endpoints(self: Path, *args: Any) -> Any:
        if self.name == ".endpoints.yml.new":
            raise OSError(28, "No space left on device", str(self))
        return original(self, *args)

    monkeypatch.setattr(Path, failing, fail_on_endpoints)
    with pytest.raises(ConfigError, match=r"No space left on device.*nothing was changed"):
        write(planned)
    assert contents(small) == before
