"""What `init` makes of bots of many shapes: whose handovers arrive, and that say nothing in another language."""

import json
import shutil
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from bot_shapes import BANK, CONCERT, GERMAN, HELPDESK, SHAPES, TABLE, make
from ruamel.yaml import YAML
from typer.testing import CliRunner

from rasa_emotion.cli import additions, app, bot_notes, verbs  # noqa: F401 -- verbs register themselves
from rasa_emotion.cli.bot_files import Plan, write
from rasa_emotion.cli.bot_plan import Wishes, plan
from rasa_emotion.cli.wording import Given, read_replies
from rasa_emotion.errors import ConfigError
from rasa_emotion.text.language import bot_language

run = CliRunner().invoke

ANSWERS = {
    "utter_handoff": "Ich verbinde Sie mit einer Kollegin.",
    "utter_nobody_available": "Gerade ist leider niemand frei.",
    "utter_acknowledge": {"angry": "Das ist ärgerlich.", "worried": "Ich verstehe Ihre Sorge."},
    "utter_emotion_disclosure": "Ich achte darauf, wie Sie klingen. Sagen Sie „Gefühle nicht auswerten“, wenn nicht.",
    "utter_voice_without_words": "Das habe ich nicht verstanden.",
    "utter_emotion_off": "Ich achte nicht mehr darauf.",
    "utter_emotion_on": "Ich achte wieder darauf.",
}


def load(path: Path) -> Any:
    return YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))


def done(shape: dict[str, str], folder: Path, **wishes: Any) -> Plan:
    """The bot's files after init, and what was planned."""
    planned = plan(make(shape, folder), wishes=Wishes(**wishes))
    write(planned)
    assert plan(folder, wishes=Wishes(**wishes)).changes == (), "a second run finds something to do"
    return planned


def policy(bot: Path) -> dict[str, Any]:
    return load(bot / "config.yml")["policies"][-1]


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A file of replies in German."""
    path = tmp_path / "replies.yml"
    with path.open("w", encoding="utf-8") as stream:
        YAML(typ="safe").dump(ANSWERS, stream)
    return path


# What the bot has of its own keeps its meaning.


def with_entities(entries: str) -> dict[str, str]:
    """The bank, whose domain says of its entities what is given."""
    return {**BANK, "domain.yml": BANK["domain.yml"].replace("entities:\n- amount\n- emotion\n", entries)}


def test_an_entity_of_the_bots_own_is_left_alone(tmp_path: Path) -> None:
    notes = "\n".join(done(BANK, tmp_path).notes)
    assert "The bot has an entity 'emotion' of its own, which takes part in its stories" in notes
    classifier = load(tmp_path / "config.yml")["pipeline"][-1]
    assert classifier["entities"] == [name for name in additions.FROM_ENTITY if name != "emotion"]


@pytest.mark.parametrize(
    ("entries", "left"),
    [
        (
            "entities:\n- caller_mood\n- emotion_valence\n",
            ["emotion", "emotion_confidence", "emotion_arousal"],
        ),
        ("entities:\n- amount\n- emotion:\n    roles: [mine, yours]\n", list(additions.FROM_ENTITY[1:])),
        ("entities:\n- amount\n- emotion:\n    influence_conversation: false\n", None),
        ("entities:\n- amount\n", None),
    ],
)
def test_entities_of_other_names_and_ways(tmp_path: Path, entries: str, left: list[str] | None) -> None:
    observed = done(with_entities(entries), tmp_path, observe=True)
    assert load(tmp_path / "config.yml")["pipeline"][-1].get("entities") == left
    assert ("which takes part in its stories" in "\n".join(plan(tmp_path).notes + observed.notes)) is False


def test_a_classifier_that_fills_it_is_noted(tmp_path: Path) -> None:
    done(BANK, tmp_path)
    config = tmp_path / "config.yml"
    config.write_text(config.read_text().replace("entities:", "other_entities:"))
    assert "so that they match no more" in "\n".join(plan(tmp_path).notes)


# Handovers arrive.


def test_every_channel_of_the_helpdesk_has_a_relay_and_keeps_its_lines(tmp_path: Path) -> None:
    done(HELPDESK, tmp_path)
    assert (
        (tmp_path / "credentials.yml")
        .read_text()
        .startswith(
            "rasa_emotion.relay.rest:\n  channel: rest\n#  nothing is needed here\n\n"
            "rasa_emotion.relay.socketio:  # the website\n  channel: socketio\n  options:\n"
            "    user_message_evt: user_uttered\n"
        )
    )
    credentials = load(tmp_path / "credentials.yml")
    assert credentials["rasa_emotion.relay.socketio"]["options"]["session_persistence"] is True
    assert credentials["rasa_emotion.RelayInput"] == {"channel": "rasa_emotion.EmotionRestInput"}


def test_what_a_run_before_has_added_is_not_called_the_bots_own(tmp_path: Path) -> None:
    done(TABLE, tmp_path)
    again = plan(tmp_path)
    assert again.changes == ()
    assert again.taken_over == ()


def test_replies_are_named_where_the_bot_was_observed_before(tmp_path: Path) -> None:
    write(plan(make(HELPDESK, tmp_path), wishes=Wishes(observe=True)))
    assert any("The bot's own 'utter_handoff'" in line for line in plan(tmp_path).taken_over)


def test_a_bot_without_a_store_gets_one_file_for_all(tmp_path: Path) -> None:
    planned = done(TABLE, tmp_path)
    assert load(tmp_path / "endpoints.yml")["tracker_store"] == {
        "type": "rasa_emotion.EmotionTrackerStore",
        "dialect": "sqlite",
        "db": "rasa_emotion.db",
    }
    assert any("kept in memory; they are kept in 'rasa_emotion.db' now" in line for line in planned.taken_over)


STORES = {
    "redis": "tracker_store:\n  type: redis\n  url: localhost\n",
    "mongod": "tracker_store:\n  type: mongod\n  url: mongodb://localhost:27017\n",
    "SQL": "tracker_store:\n  type: SQL\n  dialect: sqlite\n  db: mine.db\n",
    "of its own": "tracker_store:\n  type: my_company.Store\n",
    "in a variable": "tracker_store:\n  type: SQL\n  url: ${DB}\n",
}


@pytest.mark.parametrize("store", STORES)
def test_a_store_that_is_named_stays(tmp_path: Path, store: str) -> None:
    planned = done({**TABLE, "endpoints.yml": STORES[store]}, tmp_path)
    assert (tmp_path / "endpoints.yml").read_text().startswith(STORES[store])
    assert any("tracker store" in line and "stays" in line for line in planned.taken_over)


@pytest.mark.parametrize(
    ("section", "database"),
    [
        ("{database: 'sqlite:///ours.db'}", "ours.db"),
        ("{consent: opt_in}", "rasa_emotion.db"),
        ("{database: 'postgresql://bot@db/calls'}", None),
        ("{database: '${WHERE}'}", None),
    ],
)
def test_the_file_is_that_of_the_handovers(tmp_path: Path, section: str, database: str | None) -> None:
    """Packets and conversations must not lie in two databases."""
    done({**TABLE, "endpoints.yml": f"rasa_emotion: {section}\n"}, tmp_path)
    store = load(tmp_path / "endpoints.yml").get("tracker_store")
    assert (store or {}).get("db") == database


def test_what_the_concert_bot_has_is_wrapped(tmp_path: Path) -> None:
    planned = done(CONCERT, tmp_path)
    endpoints = load(tmp_path / "endpoints.yml")
    assert endpoints["nlg"] == {"type": additions.RESPONSES, "wrap": {"url": "http://localhost:5056/nlg"}}
    assert endpoints["tracker_store"] == {"type": "redis", "url": "localhost"}
    assert load(tmp_path / "credentials.yml")["rasa_emotion.relay.Kiosk"] == {
        "channel": "my_company.channels.Kiosk",
        "options": {"door": 7},
    }
    told = "\n".join(planned.taken_over)
    assert "What 'nlg' in endpoints.yml names goes on answering" in told
    assert "The channel 'my_company.channels.Kiosk' stays at its address" in told
    assert "own choice of policies is written out" in told
    assert len(load(tmp_path / "domain.yml")["entities"]) == len(additions.FROM_ENTITY)


@pytest.mark.parametrize(
    ("credentials", "after"),
    [
        ("rest: null\n", {"rasa_emotion.relay.rest": {"channel": "rest"}}),
        ("rest: {}  # ours\n", {"rasa_emotion.relay.rest": {"channel": "rest", "options": {}}}),
        (
            "{rest: , callback: {url: 'http://x'}}\n",
            {"rasa_emotion.relay.callback": {"channel": "callback", "options": {"url": "http://x"}}},
        ),
        ("a.Kiosk:\nb.Kiosk:\n", {"rasa_emotion.relay.Kiosk_2": {"channel": "b.Kiosk"}}),
        (
            "rasa_emotion.EmotionRestInput:\n  max_secs: 9\n",
            {"rasa_emotion.RelayInput": {"channel": "rasa_emotion.EmotionRestInput", "options": {"max_secs": 9}}},
        ),
        ("rasa:\n  url: http://x\n", {"rasa": {"url": "http://x"}}),
        ("rasa_emotion.VoiceInput:\n  port: 1\n", {"rasa_emotion.VoiceInput": {"port": 1}}),
    ],
)
def test_a_relay_around_each_way_to_write_a_channel(tmp_path: Path, credentials: str, after: dict[str, Any]) -> None:
    done({**TABLE, "credentials.yml": credentials}, tmp_path)
    found = load(tmp_path / "credentials.yml")
    assert found | after == found
    assert any("EmotionRestInput" in str(options) for options in found.values())


# The bot's own handoff intent is offered.


@pytest.mark.parametrize(("shape", "intent"), [(HELPDESK, "human_handoff"), (GERMAN, "mit_mitarbeiter_sprechen")])
def test_the_intent_that_asks_for_a_human_hands_over(tmp_path: Path, shape: dict[str, str], intent: str) -> None:
    given = Given({"utter_handoff": [{"text": "Moment."}]})
    planned = done(shape, tmp_path, given=given)
    assert policy(tmp_path) == {"name": additions.POLICY, "handoff_intents": [intent]}
    assert any(f"'{intent}', an intent of the bot's, is handed over at once" in line for line in planned.taken_over)


@pytest.mark.parametrize("shape", [TABLE, CONCERT])
def test_no_other_intent_does(tmp_path: Path, shape: dict[str, str]) -> None:
    done(shape, tmp_path)
    assert policy(tmp_path) == {"name": additions.POLICY}


def test_the_intent_is_offered_and_may_be_refused_or_named(tmp_path: Path) -> None:
    bot = make(HELPDESK, tmp_path)
    offered = run(app, ["init", str(bot)], input="n\nn\n")
    assert "Hand over callers who say 'human_handoff'? [Y/n]" in offered.stdout
    assert "handoff_intents" not in offered.stdout
    assert "handoff_intents:" in run(app, ["init", str(bot)], input="\nn\n").stdout
    for options, intents in (
        (["--no-handoff-intent"], None),
        (["--handoff-intent", "bot_challenge"], ["bot_challenge"]),
    ):
        run(app, ["init", str(make(HELPDESK, tmp_path)), "--yes", *options], catch_exceptions=False)
        assert policy(bot).get("handoff_intents") == intents
    with pytest.raises(ConfigError, match="no intent 'nobody'; choose from greet"):
        plan(make(HELPDESK, tmp_path), wishes=Wishes(handoff_intents=("nobody",)))


def test_a_policy_that_stands_there_is_told_what_it_lacks(tmp_path: Path) -> None:
    config = HELPDESK["config.yml"] + "- name: rasa_emotion.EmotionPolicy\n  dry_run: true\n"
    notes = "\n".join(plan(make({**HELPDESK, "config.yml": config}, tmp_path)).notes)
    assert "ask for a human with 'human_handoff'; add it to EmotionPolicy's 'handoff_intents'" in notes
    assert "'dry_run: true' in config.yml: it hands nobody over" in notes


def test_the_reply_of_the_bots_own_is_named_with_its_words(tmp_path: Path) -> None:
    planned = done(HELPDESK, tmp_path)
    assert (
        "The bot's own 'utter_handoff' is said when a human takes over: "
        '"One moment, I look whether somebody of the team is free ..."'
    ) in planned.taken_over
    shown = run(app, ["init", str(make(HELPDESK, tmp_path)), "--dry-run"]).stdout
    assert "Taken over: The bot's own 'utter_handoff'" in shown
    assert "The acoustic model 'acoustic' is under CC-BY-NC-SA-4.0, research and evaluation only" in shown


# Nothing is said in a language that the bot does not have.


def english_texts() -> list[str]:
    return [one["text"] for variations in additions.english().values() for one in variations]


def test_a_german_bot_says_nothing_in_english(tmp_path: Path) -> None:
    planned = done(GERMAN, tmp_path)
    assert planned.left_out == tuple(additions.SAID_WHEN)
    written = "".join(path.read_text(encoding="utf-8") for path in tmp_path.rglob("*.yml"))
    assert [text for text in english_texts() if text in written] == []
    assert not (tmp_path / "data" / "emotion_nlu.yml").exists()
    assert additions.POLICY not in written
    steps = [rule["steps"] for rule in load(tmp_path / "data" / "emotion_rules.yml")["rules"]]
    assert steps[0] == [{"intent": "voice_without_words"}, {"action": "action_listen"}]
    assert steps[1] == [{"intent": "voice_without_words"}, {"action": "nummer_form"}, {"active_loop": "nummer_form"}]
    notes = "\n".join(planned.notes)
    assert "speaks 'de'" in notes
    assert "utter_handoff (nobody is handed over)" in notes
    assert "--replies FILE" in notes
    assert "/emotion_off" in notes
    assert "reads English" in notes


def test_a_german_bot_says_what_its_author_wrote(tmp_path: Path, files: Path) -> None:
    bot = make(GERMAN, tmp_path / "bot")
    result = run(app, ["init", str(bot), "--yes", "--replies", str(files)], catch_exceptions=False)
    assert result.exit_code == 0
    responses = load(bot / "domain.yml")["responses"]
    assert responses["utter_handoff"] == [{"text": "Ich verbinde Sie mit einer Kollegin."}]
    assert [one["condition"][0]["value"] for one in responses["utter_acknowledge"]] == ["angry", "worried"]
    assert policy(bot)["handoff_intents"] == ["mit_mitarbeiter_sprechen"]
    (off,) = load(bot / "data" / "emotion_nlu.yml")["nlu"]
    assert off == {"intent": "emotion_off", "examples": "- Gefühle nicht auswerten\n"}, "what is promised is taught"


def test_the_author_is_asked_for_the_replies(tmp_path: Path) -> None:
    bot = make(GERMAN, tmp_path)
    typed = ["", "Ich verbinde Sie.", "", "", 'Sagen Sie "nicht auswerten".', "", "", "", "y"]
    result = run(app, ["init", str(bot)], input="\n".join(typed) + "\n", catch_exceptions=False)
    assert "What does it say" in result.stdout
    responses = load(bot / "domain.yml")["responses"]
    assert set(responses) - {"utter_gruss", "utter_ask_nummer", "utter_danke"} == {
        "utter_handoff",
        "utter_emotion_disclosure",
    }
    assert "nicht auswerten" in (bot / "data" / "emotion_nlu.yml").read_text()
    assert policy(bot)["name"] == additions.POLICY


OTHERS = {
    "the configuration says English, the replies are German": GERMAN["config.yml"].replace(
        "language: de", "language: en"
    ),
    "the configuration says nothing": GERMAN["config.yml"].replace("language: de\n", ""),
    "with a region": GERMAN["config.yml"].replace("language: de", "language: de-AT"),
    "by the name of a model": GERMAN["config.yml"].replace("language: de", "language: de_core_news_md"),
}


@pytest.mark.parametrize("case", OTHERS)
def test_the_language_is_that_of_the_replies(tmp_path: Path, case: str) -> None:
    planned = plan(make({**GERMAN, "config.yml": OTHERS[case]}, tmp_path))
    assert "utter_handoff" in planned.left_out
    assert any("'de'" in note for note in planned.notes)


def test_replies_in_english_are_english() -> None:
    for shape in (TABLE, HELPDESK, CONCERT):
        responses = YAML(typ="safe").load(shape["domain.yml"])["responses"]
        texts = [one["text"] for variations in responses.values() for one in variations]
        assert bot_language("en", texts) == "en"
    assert bot_language("en", ["Bonjour, {name} ! https://example.com/ich-warte-auf-eine-antwort"]) == "en"  # too few


def test_own_words_that_stop_the_analysis_are_those_that_are_promised(tmp_path: Path) -> None:
    nlu = TABLE["data/nlu.yml"] + "- intent: emotion_off\n  examples: |\n    - let me be\n    - no more listening\n"
    done({**TABLE, "data/nlu.yml": nlu}, tmp_path)
    (told,) = load(tmp_path / "domain.yml")["responses"]["utter_emotion_disclosure"]
    assert 'say "let me be"' in told["text"]
    assert [entry["intent"] for entry in load(tmp_path / "data" / "emotion_nlu.yml")["nlu"]] == ["emotion_on"]


def test_what_is_promised_is_among_the_examples(tmp_path: Path) -> None:
    done(TABLE, tmp_path)
    (told,) = load(tmp_path / "domain.yml")["responses"]["utter_emotion_disclosure"]
    examples = load(tmp_path / "data" / "emotion_nlu.yml")["nlu"][0]["examples"]
    assert f'say "{additions.PROMISE}"' in told["text"]
    assert f"- {additions.PROMISE}\n" in examples


@pytest.mark.parametrize(
    ("written", "fault"),
    [
        ("utter_hello: Hallo\n", "'utter_hello' in .* is nothing that the plugin says; write one of utter_handoff"),
        ("utter_handoff: [1]\n", "write a text, or a list of texts"),
        ("utter_handoff: ''\n", "write a text, or a list of texts"),
        ("utter_acknowledge: {furious: Oh}\n", "'furious', which is not a family"),
        ("- a\n", "does not hold keys with values"),
    ],
)
def test_replies_that_are_none(tmp_path: Path, written: str, fault: str) -> None:
    (tmp_path / "replies.yml").write_text(written)
    with pytest.raises(ConfigError, match=fault):
        read_replies(tmp_path / "replies.yml")
    with pytest.raises(ConfigError, match="cannot be read"):
        read_replies(tmp_path / "absent.yml")


# Observing changes nothing that a caller notices.


@pytest.mark.parametrize("shape", SHAPES)
def test_observing_adds_the_slots_and_says_nothing(tmp_path: Path, shape: str) -> None:
    before = SHAPES[shape]
    planned = done(before, tmp_path, observe=True)
    assert {change.file.path.name for change in planned.changes} == {"config.yml", "domain.yml"}
    old, new = YAML(typ="safe").load(before["domain.yml"]), load(tmp_path / "domain.yml")
    for key in ("intents", "responses", "actions", "forms"):
        assert new.get(key) == old.get(key)
    assert set(additions.SLOT_TYPES) <= set(new["slots"])
    added = [slot for name, slot in new["slots"].items() if name not in (old.get("slots") or {})]
    assert all(slot["influence_conversation"] is False for slot in added)
    assert policy(tmp_path)["dry_run"] is True
    assert "tell them elsewhere" in planned.notes[0]


@pytest.mark.parametrize("installed", [True, False])
def test_the_package_for_recordings_of_phones_is_named_where_it_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, installed: bool
) -> None:
    monkeypatch.setattr(bot_notes, "find_spec", lambda name: object() if installed else None)
    notes = plan(make(TABLE, tmp_path)).notes
    assert any("rasa-emotion[formats]" in note for note in notes) is not installed


def test_observing_a_bot_that_acts_already_promises_nothing(tmp_path: Path) -> None:
    """What is there stays as it is, and so does what it does."""
    bot = make(TABLE, tmp_path)
    run(app, ["init", str(bot), "--yes"], catch_exceptions=False)
    planned = plan(bot, wishes=Wishes(observe=True))
    assert planned.changes == ()
    assert "goes on to hand callers over" in planned.notes[0]
    assert "dry_run: true" in planned.notes[0]


def test_observing_by_the_command(tmp_path: Path) -> None:
    bot = make(TABLE, tmp_path)
    result = run(app, ["init", str(bot), "--observe", "--yes"], catch_exceptions=False)
    assert "The bot says and does what it did" in " ".join(result.stdout.split())
    later = run(app, ["init", str(bot), "--yes"], catch_exceptions=False)
    assert "'dry_run: true' in config.yml: it hands nobody over until you remove that" in later.stdout
    assert "utter_handoff" in load(bot / "domain.yml")["responses"]


# Older bots are named, with the migration.

FORM_2 = "forms:\n  order:\n    required_slots:\n      size:\n      - type: from_text\n"
OLDER = {
    "slot without mappings": (
        "domain.yml",
        'version: "2.0"\nslots:\n  size:\n    type: text\n',
        "'size' has no 'mappings'",
    ),
    "unfeaturized slot": ("domain.yml", "slots:\n  size:\n    type: unfeaturized\n", "'size' has no 'mappings'"),
    "unfeaturized slot with mappings": (
        "domain.yml",
        "slots:\n  size:\n    type: unfeaturized\n    mappings: []\n",
        "'size' has the type 'unfeaturized', in whose place stands 'any'",
    ),
    "slot that fills itself": (
        "domain.yml",
        "slots:\n  size:\n    type: text\n    auto_fill: false\n    mappings: []\n",
        "'size' has 'auto_fill'",
    ),
    "gone tokenizer": ("config.yml", "pipeline:\n- name: LanguageModelTokenizer\n", "put WhitespaceTokenizer"),
    "renamed extractor": ("config.yml", "pipeline:\n- DucklingHTTPExtractor\n", "put DucklingEntityExtractor"),
    "replies of Rasa 1": ("domain.yml", "templates:\n  utter_hello:\n  - text: hello\n", "under 'templates'"),
    "form that fills its slots": ("domain.yml", FORM_2, "'order' says itself how its slots are filled"),
    "form of Rasa 1": ("domain.yml", "forms:\n- order\n", "its forms are no mapping"),
    "form without required slots": ("domain.yml", "forms:\n  order:\n", "'order' has no 'required_slots'"),
    "form policy": ("config.yml", "policies:\n- name: FormPolicy\n", "it names FormPolicy.* put RulePolicy"),
    "mapping policy": ("config.yml", "policies:\n- name: rasa.core.policies.MappingPolicy\n", "it names MappingPolicy"),
    "fallback policy": ("config.yml", "policies:\n- TwoStageFallbackPolicy\n", "it names TwoStageFallbackPolicy"),
    "Markdown": (
        "data/nlu.md",
        "## intent:greet\n- hello\n",
        "Markdown, which Rasa 3 does not read.*rasa data convert",
    ),
}


@pytest.mark.parametrize("case", OLDER)
def test_an_older_bot_is_refused_with_the_migration(tmp_path: Path, case: str) -> None:
    name, text, fault = OLDER[case]
    bot = make({**TABLE, name: text}, tmp_path)
    before = {path: path.read_bytes() for path in bot.rglob("*") if path.is_file()}
    with pytest.raises(ConfigError, match=fault) as caught:
        plan(bot)
    assert "rasa data migrate" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert {path: path.read_bytes() for path in bot.rglob("*") if path.is_file()} == before


def test_a_domain_that_is_older_in_name_alone_is_noted(tmp_path: Path) -> None:
    domain = TABLE["domain.yml"].replace('"3.1"', '"2.0"')
    planned = plan(make({**TABLE, "domain.yml": domain}, tmp_path))
    assert "'domain.yml' says that it is of Rasa 2.0" in planned.notes[0]
    assert planned.changes


def test_words_in_a_readme_are_no_training_data(tmp_path: Path) -> None:
    plan(make({**TABLE, "data/README.md": "# Data\n\n## Intents\n\nSee nlu.yml.\n"}, tmp_path))


# The machine's side.


def test_json_tells_all_of_it(tmp_path: Path) -> None:
    told = json.loads(run(app, ["init", str(make(GERMAN, tmp_path)), "--json"]).stdout)
    assert told["left_out"] == list(additions.SAID_WHEN)
    assert any("relay.rest" in line for line in told["taken_over"])
    assert "CC-BY-NC-SA-4.0" in told["voice"]
    assert told["written"] is False


@pytest.mark.rasa
@pytest.mark.parametrize("shape", ["template", *SHAPES])
@pytest.mark.parametrize("observe", [False, True])
def test_rasa_finds_nothing_wrong_with_it(tmp_path: Path, shape: str, observe: bool) -> None:
    """All that `rasa data validate` and the start of `rasa train` check."""
    from rasa.engine.recipes.default_recipe import DefaultV1Recipe  # noqa: PLC0415
    from rasa.engine.validation import validate  # noqa: PLC0415
    from rasa.shared.importers.importer import TrainingDataImporter  # noqa: PLC0415
    from rasa.validator import Validator  # noqa: PLC0415

    bot = tmp_path / "bot"
    if shape == "template":
        spec = find_spec("rasa")
        assert spec is not None
        assert spec.origin is not None
        shutil.copytree(Path(spec.origin).parent / "cli" / "initial_project", bot)
        write(plan(bot, wishes=Wishes(observe=observe)))
    else:
        done(SHAPES[shape], bot, observe=observe)
    importer = TrainingDataImporter.load_from_dict(
        config_path=str(bot / "config.yml"),
        domain_path=str(bot / "domain.yml"),
        training_data_paths=[str(bot / "data")],
    )
    validator = Validator.from_importer(importer)
    assert validator.verify_domain_validity()
    assert validator.verify_story_structure(ignore_warnings=False)
    validate(DefaultV1Recipe().graph_config_for_recipe(importer.get_config(), {}))
