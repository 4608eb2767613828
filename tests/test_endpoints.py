"""The section `rasa_emotion:` of endpoints.yml."""

from pathlib import Path

import pytest

from rasa_emotion.endpoints import Endpoints, read_content, read_endpoints
from rasa_emotion.errors import ConfigError


@pytest.fixture
def write(tmp_path: Path):
    def make(text: str) -> Path:
        path = tmp_path / "endpoints.yml"
        path.write_text(text, encoding="utf-8")
        return path

    return make


def test_the_defaults(write, tmp_path: Path) -> None:
    assert read_endpoints(tmp_path / "none.yml") == read_endpoints(write("nlg: {url: x}")) == Endpoints()
    assert read_endpoints(write("")).helpdesk == {"type": "desk"}


def test_the_path_comes_from_the_environment(write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RASA_EMOTION_ENDPOINTS", str(write("rasa_emotion: {retention_days: 7}")))
    assert read_endpoints().retention_days == 7


def test_variables_of_the_environment(write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HELPDESK_KEY", "abc")
    path = write("rasa_emotion: {helpdesk: {type: webhook, secret: '${HELPDESK_KEY}'}}")
    assert read_endpoints(path).helpdesk["secret"] == "abc"
    monkeypatch.delenv("HELPDESK_KEY")
    with pytest.raises(ConfigError, match="'HELPDESK_KEY', which is not set"):
        read_endpoints(path)


def test_variables_outside_the_section_stay_as_they_are_written_where_rasa_is_loaded(write) -> None:
    pytest.importorskip("rasa.shared.utils.io")  # tells ruamel's own classes to replace them
    content = read_content(write("tracker_store:\n  url: ${NO_SUCH_VARIABLE}\n"))
    assert content == {"tracker_store": {"url": "${NO_SUCH_VARIABLE}"}}


@pytest.mark.parametrize(
    ("store", "url"),
    [
        ("{type: rasa_emotion.EmotionTrackerStore, db: bot.db}", "sqlite:///bot.db"),
        (
            "{type: rasa_emotion.EmotionTrackerStore, dialect: postgresql, url: host, port: 5433, db: bot, "
            "username: me, password: p@ss}",
            "postgresql://me:p%40ss@host:5433/bot",
        ),
        ("{type: SQL, db: bot.db}", "sqlite:///rasa_emotion.db"),
    ],
)
def test_the_tracker_store_that_writes_handoffs_itself_names_the_database(write, store: str, url: str) -> None:
    assert read_endpoints(write(f"tracker_store: {store}")).database == url


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("rasa_emotion: [1]", "give a mapping"),
        ("rasa_emotion: {helpdeks: {}}", "did you mean 'helpdesk'"),
        ("rasa_emotion: {helpdesk: slack}", "give a mapping with a 'type'"),
        ("rasa_emotion: {retention_days: -1}", "'retention_days' is -1"),
        ("rasa_emotion: {links: x}", "'links' is 'x'"),
        ("a: [", "cannot be read as YAML"),
    ],
)
def test_what_cannot_be_used(write, text: str, sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        read_endpoints(write(text))


def test_who_is_analysed(write) -> None:
    assert read_endpoints(write("rasa_emotion: {}")).consent == "opt_out"
    assert read_endpoints(write("rasa_emotion: {consent: opt_in}")).consent == "opt_in"
    with pytest.raises(ConfigError, match="'consent' is 'yes'; write one of opt_out, opt_in"):
        read_endpoints(write("rasa_emotion: {consent: 'yes'}"))
