"""The workbench in a real Chromium: a dropped folder, a video, a second model, and words that Whisper writes."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
from console_kit import PATIENCE_MS, listening, serious

from rasa_emotion.console.frame import Console
from rasa_emotion.console.pages import PAGES
from rasa_emotion.console.workbench.bench import SHIPPED, Bench
from rasa_emotion.database import create_tables, open_database
from rasa_emotion.endpoints import Endpoints
from rasa_emotion.model_folder import shipped_models

OTHER = "acoustic-emogator"
SENTENCE = "I would like to know when the parcel will arrive."


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    pytest.importorskip("faster_whisper")
    engine = open_database(f"sqlite:///{tmp_path_factory.mktemp('console')}/bot.db")
    create_tables(engine)
    bench = Bench([shipped_models() / OTHER], "whisper")
    with listening(Console(engine, Endpoints(database=str(engine.url)), PAGES, bench=bench)) as address:
        yield address
    bench.close()
    engine.dispose()


@pytest.fixture(scope="module")
def page(browser, address: str) -> Iterator:
    page = browser.new_context(bypass_csp=True).new_page()
    page.set_default_timeout(PATIENCE_MS)
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(f"{address}/workbench")
    done(page)
    yield page
    assert errors == []


def done(page, said: str = "Done") -> None:
    page.wait_for_function("said => document.querySelector('#state').textContent.startsWith(said)", arg=said)


def drop(page, *paths: Path) -> None:
    """Drop files or folders of this machine onto the page, as the system does it."""
    session = page.context.new_cdp_session(page)
    data = {"items": [], "files": [str(path) for path in paths], "dragOperationsMask": 1}
    for kind in ("dragEnter", "dragOver", "drop"):
        session.send("Input.dispatchDragEvent", {"type": kind, "x": 300, "y": 300, "data": data})
    session.detach()


@pytest.fixture
def calls(speech: Callable[..., Path], tmp_path: Path) -> Path:
    """A folder with a folder within it, two names that are the same, a letter, and what systems hide."""
    folder = tmp_path / "calls"
    for name, text in (("monday/1.wav", SENTENCE), ("tuesday/1.wav", "I want my money back"), ("2.wav", "Thank you")):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(speech(text), folder / name)
    (folder / "letter.pdf").write_bytes(b"%PDF-1.7\n" + bytes(99))
    (folder / ".hidden").write_bytes(b"\0\0\0\1Bud1" + bytes(99))
    (folder / "empty.wav").touch()
    return folder


ROWS = ["calls/2.wav", "calls/letter.pdf", "calls/monday/1.wav", "calls/tuesday/1.wav"]


@pytest.mark.parametrize("way", ["dropped", "chosen"])
def test_a_folder_with_all_that_is_in_it(page, calls: Path, way: str) -> None:
    if way == "dropped":
        drop(page, calls)
    else:
        page.set_input_files("#folder", str(calls))
    done(page, "Done: 4 recordings")
    rows = {row.split("\t")[0].strip(): row for row in page.locator("#files-rows tr").all_inner_texts()}
    assert sorted(rows) == ROWS
    assert "not audio" in rows["calls/letter.pdf"]
    assert "of 4 recordings" in page.inner_text("#files-home")
    page.get_by_role("button", name="calls/monday/1.wav").click()
    assert "parcel" in page.input_value("#text")
    page.get_by_role("button", name="calls/tuesday/1.wav").click()  # whose words are others
    assert "money" in page.input_value("#text")
    assert page.is_hidden("#is-sample")
    assert serious(page) == []


def test_whisper_writes_down_what_nobody_typed(page, speech: Callable[..., Path]) -> None:
    page.set_input_files("#file", str(speech(SENTENCE)))
    done(page, "Analysing")
    done(page)
    assert "parcel" in page.input_value("#text")
    assert page.locator("#sentences tr").count() == 1


def test_another_model_beside_it_until_the_next_recording(page, speech: Callable[..., Path]) -> None:
    assert page.locator("#model option").all_inner_texts() == [OTHER]
    page.click("#compare")
    page.wait_for_selector("#compared tbody tr")
    assert page.locator("#compared thead th").all_inner_texts() == ["Emotion", SHIPPED, OTHER]
    assert page.locator("#compared tbody tr").count() == 8
    page.set_input_files("#file", str(speech("Thank you so much")))
    done(page, "Analysing")
    done(page)
    assert page.locator("#compared tr").count() == 0  # it was of the recording before


def film(speech: Path, path: Path) -> Path:
    """A video with a voice."""
    av = pytest.importorskip("av")
    samples, rate = soundfile.read(speech, dtype="float32")
    with av.open(str(path), "w") as file:
        pictures, sound = file.add_stream("mpeg4", rate=10), file.add_stream("aac", rate=rate)
        pictures.width, pictures.height, pictures.pix_fmt = 64, 48, "yuv420p"
        sound.layout = "mono"
        for number in range(int(10 * len(samples) / rate)):
            picture = av.VideoFrame.from_ndarray(np.full((48, 64, 3), number % 255, np.uint8), format="rgb24")
            file.mux(pictures.encode(picture))
        for start in range(0, len(samples) - 1024, 1024):
            piece = av.AudioFrame.from_ndarray(samples[None, start : start + 1024], format="fltp", layout="mono")
            piece.sample_rate, piece.pts = rate, start
            file.mux(sound.encode(piece))
        for stream in (pictures, sound):
            file.mux(stream.encode(None))
    return path


def test_of_a_video_the_voice_is_heard(page, speech: Callable[..., Path], tmp_path: Path) -> None:
    page.set_input_files("#file", str(film(speech(SENTENCE), tmp_path / "call.mp4")))
    done(page, "Analysing")
    done(page)
    assert "parcel" in page.input_value("#text")
    assert page.is_hidden("#notice")
    assert page.locator("#pictures canvas").count() == 7


def test_a_video_without_a_voice_is_told(page, tmp_path: Path) -> None:
    av = pytest.importorskip("av")
    with av.open(str(tmp_path / "silent.mp4"), "w") as file:
        pictures = file.add_stream("mpeg4", rate=10)
        pictures.width, pictures.height, pictures.pix_fmt = 64, 48, "yuv420p"
        for _ in range(10):
            file.mux(pictures.encode(av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8), format="rgb24")))
        file.mux(pictures.encode(None))
    page.set_input_files("#file", str(tmp_path / "silent.mp4"))
    page.wait_for_selector("#notice", state="visible")
    assert page.inner_text("#notice").endswith(".")
    assert page.inner_text("#state") == ""
    assert page.is_hidden("#result")  # which was another recording's


def test_the_first_visit_of_the_live_view_shows_a_sample_conversation(browser, address: str) -> None:
    context = browser.new_context(bypass_csp=True)
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.goto(f"{address}/live")
    page.wait_for_selector("#sample", state="visible")
    assert "This is a sample" in page.inner_text("#sample")
    assert "Sample conversation" in page.inner_text("#sample h2")
    assert page.locator("#sample a").count() == 0  # it leads nowhere
    assert serious(page) == []
    page.evaluate("localStorage.setItem('seen-one', 'yes')")  # as after the first real conversation
    page.reload()
    page.wait_for_selector("#empty", state="visible")
    assert page.is_hidden("#sample")
    context.close()
