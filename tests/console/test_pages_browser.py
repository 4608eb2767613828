"""What people do at the pages while something goes wrong, in a real Chromium: also with the keyboard alone."""

import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from console_kit import PASSWORD, PATIENCE_MS, listening, serious
from sqlalchemy import create_engine
from sqlalchemy.engine import Engine
from test_desk_page import hand_over
from test_live_page import EVENTS, escalation, store, user

from rasa_emotion.console.doors import Doors
from rasa_emotion.console.frame import Console
from rasa_emotion.console.pages import PAGES
from rasa_emotion.console.users import UserFile
from rasa_emotion.database import create_tables, open_database
from rasa_emotion.emotions import EMOTIONS
from rasa_emotion.endpoints import Endpoints, RecordOptions
from rasa_emotion.handoff.desk_record import DeskRecord, Judgement
from rasa_emotion.privacy.forget import Forgetter
from rasa_emotion.privacy.recordings import new_recording, recordings_of
from rasa_emotion.voice.recorder import Recorder
from rasa_emotion.voice.sound import Format

DAY_SECS = 86_400.0

Until = Callable[[str], None]


@pytest.fixture
def bot(tmp_path: Path) -> Iterator[Engine]:
    """The bot's own connection to the database."""
    made = open_database(f"sqlite:///{tmp_path}/bot.db")
    create_tables(made)
    made.dispose()
    engine = create_engine(f"sqlite:///{tmp_path}/bot.db", isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(EVENTS)
    yield engine
    engine.dispose()


@pytest.fixture
def console(bot: Engine, tmp_path: Path) -> Iterator[Console]:
    engine = open_database(str(bot.url))
    record = RecordOptions("We record.", tmp_path / "recordings")
    yield Console(engine, Endpoints(database=str(engine.url), record=record), PAGES)
    engine.dispose()


@pytest.fixture
def page(console: Console, browser) -> Iterator:
    """A page of somebody who is a supervisor, and must not fail."""
    with listening(console) as address:
        made = browser.new_context(base_url=address).new_page()
        made.set_default_timeout(PATIENCE_MS)
        errors: list[str] = []
        made.on("pageerror", lambda error: errors.append(str(error)))
        yield made
        assert errors == []
        made.context.close()


@pytest.fixture
def until(page) -> Until:
    def wait(expression: str) -> None:
        # Not `wait_for_function`, whose eval the pages' Content-Security-Policy forbids, as it should.
        end = time.monotonic() + PATIENCE_MS / 1000
        while not page.evaluate(expression):
            assert time.monotonic() < end, f"{expression}: {page.inner_text('main')}"
            page.wait_for_timeout(50)

    return wait


def count(selector: str) -> str:
    return f"document.querySelectorAll('{selector}').length"


def test_who_is_forgotten_leaves_the_pages_that_show_them(page, until: Until, bot: Engine, tmp_path: Path) -> None:
    store(bot, "anna", user("My secret.", angry=0.9))
    recorder = Recorder(new_recording(tmp_path / "recordings", "anna"), Format())
    ended = threading.Event()

    def speak() -> None:
        while not ended.wait(0.02):
            recorder.caller(np.full(320, 0.5, np.float32))

    call = threading.Thread(target=speak)
    call.start()
    try:
        page.goto("/live/conversation?sender=anna")
        page.get_by_role("button", name="Listen to the call in progress").click()
        until("(document.querySelector('#recordings meter')?.value ?? 0) > 0.1")
        tracker = {"type": "rasa_emotion.EmotionTrackerStore", "dialect": "sqlite", "db": str(tmp_path / "bot.db")}
        ours = {"database": str(bot.url), "record": {"announcement": "x", "folder": str(tmp_path / "recordings")}}
        endpoints = tmp_path / "endpoints.yml"
        endpoints.write_text(json.dumps({"tracker_store": tracker, "rasa_emotion": ours}))
        forgetter = Forgetter(endpoints)
        forgetter.delete(forgetter.find("anna"))
        page.locator("#notice").filter(has_text="not there any more").wait_for()
        assert recordings_of(tmp_path / "recordings", "anna") == []
    finally:
        ended.set()
        call.join()
        recorder.close()
    assert "secret" not in page.content()
    assert "anna" not in page.content()
    assert page.url.endswith("/live")
    assert page.locator("#conversation").inner_html() == ""


def test_who_is_forgotten_leaves_the_desk(page, until: Until, bot: Engine, tmp_path: Path) -> None:
    store(bot, "anna", user("My secret.", angry=0.9))
    hand_over(open_database(str(bot.url)))
    page.goto("/desk")
    page.locator("#queue button").click()
    until("document.querySelector('#before').textContent.includes('Where is my refund?')")
    endpoints = tmp_path / "endpoints.yml"
    endpoints.write_text(json.dumps({"rasa_emotion": {"database": str(bot.url)}}))
    forgetter = Forgetter(endpoints)
    forgetter.delete(forgetter.find("anna"))
    until("!document.querySelector('#none').hidden")
    until(f"{count('#queue li')} === 0")
    assert "anna" not in page.content()
    assert "refund" not in page.content()


def test_a_recording_that_is_deleted_while_it_plays_leaves_the_page(
    page, until: Until, bot: Engine, tmp_path: Path
) -> None:
    store(bot, "anna", user("Hello.", angry=0.9))
    recorder = Recorder(new_recording(tmp_path / "recordings", "anna"), Format())
    recorder.caller(np.zeros(16_000 * 60, np.float32))
    recorder.close()
    page.goto("/live/conversation?sender=anna")
    page.evaluate("document.querySelector('#recordings audio').play()")
    until("document.querySelector('#recordings audio').currentTime > 0.1")
    until("document.querySelector('#state').textContent === 'live'")
    recordings_of(tmp_path / "recordings", "anna")[0].unlink()
    until(f"{count('#recordings audio')} === 0")
    assert "Nothing of this caller is recorded" in page.inner_text("#recordings")


def test_a_database_that_is_away_is_told_on_each_page_and_nothing_is_lost(page, until: Until, bot: Engine) -> None:
    store(bot, "anna", user("Hello.", angry=0.9))
    away = [("events", "away"), ("emotion_handoffs", "away_too")]
    for path, shown, said in (
        ("/live", "#list > li", "document.querySelector('#notice').textContent"),
        ("/desk", "#queue li", "document.querySelector('#state').textContent"),
    ):
        hand_over(open_database(str(bot.url)))
        page.goto(path)
        page.locator(shown).first.wait_for()
        with bot.connect() as connection:
            for name, other in away:
                connection.exec_driver_sql(f"ALTER TABLE {name} RENAME TO {other}")
        until(f"{said}.includes('does not answer')")
        assert page.locator(shown).count() == 1
        with bot.connect() as connection:
            for name, other in away:
                connection.exec_driver_sql(f"ALTER TABLE {other} RENAME TO {name}")
        until(f"!{said}.includes('does not answer')")
        assert page.locator(shown).count() == 1


def test_of_very_many_conversations_the_worst_are_shown_and_the_rest_is_found(page, until: Until, bot: Engine) -> None:
    rows = [("calm " + str(number), user("All is well.", happy=0.9)) for number in range(320)]
    rows.append(("anna", user("Again!", angry=0.9)))
    row = "INSERT INTO events (sender_id, type_name, timestamp, data) VALUES (?, 'user', ?, ?)"
    with bot.begin() as connection:
        for sender, event in rows:
            connection.exec_driver_sql(row, (sender, event["timestamp"], json.dumps(event)))
    page.goto("/live")
    until(f"{count('#list > li')} === 300")
    assert page.locator("#list > li").first.locator("h2").inner_text().startswith("anna")
    assert page.inner_text("#more").startswith("21 more")
    assert page.inner_text("#state") == "321 in progress · live"
    page.locator("#list a").first.focus()
    store(bot, "anna", user("And again!", angry=0.9))
    until("document.querySelector('#list > li').textContent.includes('And again!')")
    assert page.evaluate("document.activeElement.textContent") == "anna"  # a card that is drawn anew keeps the focus
    page.get_by_label("Find").fill("calm 319")
    until(f"{count('#list > li')} === 1")
    assert page.locator("#more").is_hidden()


def test_a_handover_is_taken_with_the_keyboard_alone(page, until: Until, bot: Engine) -> None:
    store(bot, "anna", user("Hello.", angry=0.9))
    hand_over(open_database(str(bot.url)))
    page.goto("/desk")
    page.locator("#queue button").wait_for()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.dataset.key") == "k1"
    page.keyboard.press("Enter")
    until("document.activeElement.id === 'take'")
    assert page.locator("#sounds-curve svg").get_attribute("aria-label").startswith("Anger by turn, now 90 %")
    page.keyboard.press("Enter")
    until("document.activeElement.name === 'text'")
    page.keyboard.type("I am here.")
    page.keyboard.press("Control+Enter")
    until(f"{count('#chat .agent')} === 1")
    assert serious(page) == []


def test_what_is_not_sent_yet_waits_with_its_conversation(page, until: Until, bot: Engine) -> None:
    engine = open_database(str(bot.url))
    for number, sender in enumerate(("anna", "bert")):
        hand_over(engine, f"k{number}", sender)
    page.goto("/desk")
    field = page.get_by_label("Your words to the caller")
    for key in ("k0", "k1"):
        page.locator(f"#queue [data-key={key}]").click()
        until(f"document.querySelector('#queue [data-key={key}]').getAttribute('aria-current') === 'true'")
        page.get_by_role("button", name="Take").click()
        until("!document.querySelector('#say textarea').disabled")
        assert field.input_value() == ""
        field.fill(f"for {key}")
    page.locator("#queue [data-key=k0]").click()
    until("document.querySelector('#say textarea').value === 'for k0'")
    page.locator("#queue [data-key=k1]").click()
    until("document.querySelector('#say textarea').value === 'for k1'")


def test_what_the_review_counts_is_drawn(page, bot: Engine, console: Console) -> None:
    now = time.time()
    desk = DeskRecord(console.engine, console.clock)
    for days, callers in ((1, 6), (2, 3), (4, 8)):
        for number in range(callers):
            sender, at = f"{days} {number}", now - days * DAY_SECS
            heard = {"angry": 0.9} if number % 2 else {"happy": 0.9}
            store(bot, sender, user("Hello.", at=at, **heard), *[{**escalation("x"), "timestamp": at}][: number % 2])
            desk.judge(Judgement(sender, at, "ada", "angry", number > 1, "angry" if number else "sad", "", now))
    page.goto("/review")
    charts = page.locator("#day-charts figure")
    charts.nth(len(EMOTIONS)).wait_for()
    assert charts.count() == 1 + len(EMOTIONS)
    label = charts.first.locator("svg").get_attribute("aria-label")
    assert re.fullmatch(r"Conversations.* by day from \S+ to \S+, at most 8", label)
    # Four dates: eight callers, none, too few to be told, six.
    assert charts.first.locator("rect.part-0").count() == 2
    assert charts.first.locator("rect.hidden-day").count() == 1
    assert charts.first.locator("svg").get_attribute("viewBox") == "0 0 4 100"
    heights = [float(one.get_attribute("height")) for one in charts.first.locator("rect.part-0").all()]
    assert heights == [100, 75]
    angry = page.locator("figure.emotion-angry")
    assert angry.locator("rect title").first.text_content().endswith("50 %")
    assert page.locator("#calibration-chart circle").count() >= 1
    assert page.locator("#recall meter").count() >= 1
    assert serious(page) == []


def test_the_pages_before_and_beside_all_others_keep_nobody_out(console: Console, browser, users: Path) -> None:
    with listening(console, Doors(UserFile(users))) as address:
        page = browser.new_context(base_url=address, viewport={"width": 360, "height": 740}).new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.goto("/desk")
        for password, then in (("wrong", "form .notice"), (PASSWORD, "#queue")):
            for scheme in ("light", "dark"):
                page.emulate_media(color_scheme=scheme)
                assert serious(page) == []
            assert page.evaluate("document.activeElement.name") == "name"
            page.keyboard.type("ada")
            page.keyboard.press("Tab")
            page.keyboard.type(password)
            page.keyboard.press("Enter")
            page.locator(then).wait_for(state="attached")
        page.goto("/review")  # not an agent's
        assert "lacks the right 'watch'" in page.inner_text("main")
        assert serious(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        page.context.close()
