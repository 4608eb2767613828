"""The workbench in a real Chromium: the sample, an upload, a recording with a fake microphone, exports, refusals."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from console_kit import PATIENCE_MS, listening, serious

from rasa_emotion.console.frame import Console
from rasa_emotion.console.pages import PAGES
from rasa_emotion.database import create_tables, open_database
from rasa_emotion.endpoints import Endpoints


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    engine = open_database(f"sqlite:///{tmp_path_factory.mktemp('console')}/bot.db")
    create_tables(engine)
    with listening(Console(engine, Endpoints(database=str(engine.url)), PAGES)) as address:
        yield address
    engine.dispose()


@pytest.fixture(scope="module")
def page(browser, address: str) -> Iterator:
    page = browser.new_context(accept_downloads=True).new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.errors = []
    page.on("pageerror", lambda error: page.errors.append(str(error)))
    page.on("console", lambda said: page.errors.append(said.text) if "Content Security Policy" in said.text else None)
    page.goto(f"{address}/workbench")
    yield page
    assert page.errors == []


def done(page) -> None:
    page.wait_for_function("() => document.querySelector('#state').textContent.startsWith('Done')")


def test_the_first_visit_shows_a_sample_and_says_so(page) -> None:
    done(page)
    assert "This is a sample" in page.inner_text("#is-sample")
    assert page.locator("#pictures canvas").count() == 7
    assert page.locator("#sentences tr").count() == 3
    assert page.inner_text("#explained").endswith(".")


def test_a_click_plays_that_moment(page) -> None:
    canvas = page.locator("#pictures canvas").first
    box = canvas.bounding_box()
    canvas.click(position={"x": box["width"] / 2, "y": 10})
    half = page.evaluate("document.querySelector('#player').duration / 2")
    page.wait_for_function("half => document.querySelector('#player').currentTime >= half - 0.5", arg=half)
    page.evaluate("document.querySelector('#player').pause()")


def test_an_upload_takes_the_samples_place(page, spoken: Path) -> None:
    page.set_input_files("#file", str(spoken))
    page.wait_for_selector("#is-sample", state="hidden")
    done(page)
    assert not page.is_visible("#said")
    assert page.locator("#parts button").count() > 2


def test_lines_and_noise_answer_at_once(page) -> None:
    page.click("#try-lines")
    page.wait_for_selector("#tried", state="visible")
    page.select_option("#line", "GSM 06.10")
    page.fill("#noise", "5")
    assert "GSM 06.10, noise 0 dB" in page.inner_text("#line-said")


@pytest.mark.parametrize(
    ("button", "start"), [("#save-json", b"{"), ("#save-csv", b"start_secs,"), ("#save-png", b"\x89PNG")]
)
def test_exports(page, button: str, start: bytes) -> None:
    with page.expect_download() as download:
        page.click(button)
    assert Path(download.value.path()).read_bytes().startswith(start)


def test_what_is_no_recording_is_told(page, tmp_path: Path) -> None:
    (tmp_path / "letter.pdf").write_bytes(b"%PDF-1.7\n" + bytes(99))
    page.set_input_files("#file", str(tmp_path / "letter.pdf"))
    page.wait_for_selector("#notice", state="visible")
    assert "not audio" in page.inner_text("#notice")


def test_a_recording_from_the_microphone(page) -> None:
    page.click("#record")
    page.wait_for_function("() => document.querySelector('#record').textContent === 'Stop and analyse'")
    page.wait_for_timeout(2500)  # of speech, which the fake microphone plays in real time
    page.click("#record")
    done(page)
    assert page.evaluate("document.querySelector('#player').duration") > 1
    assert page.is_hidden("#notice")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_nothing_serious_keeps_people_out(page, theme: str) -> None:
    page.evaluate("theme => { document.documentElement.dataset.theme = theme; }", theme)
    assert serious(page) == []


def test_a_phone_needs_no_scrolling_to_the_side(page) -> None:
    page.set_viewport_size({"width": 360, "height": 740})
    wide = "[...document.querySelectorAll('main *')].filter(one => !one.closest('.scroll') && "
    wide += "one.getBoundingClientRect().right > innerWidth + 1).map(one => one.id || one.outerHTML.slice(0, 80))"
    assert page.evaluate(wide) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.set_viewport_size({"width": 1280, "height": 800})


def test_the_review_of_a_new_bot_is_empty_and_says_why(page, address: str) -> None:
    page.goto(f"{address}/review")
    page.wait_for_selector("#empty", state="visible")
