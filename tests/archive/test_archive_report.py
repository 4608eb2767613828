"""The report of an archive with escalations, from tables that are written here."""

from pathlib import Path

import pytest

pytest.importorskip("pyarrow")
pytest.importorskip("matplotlib")

from rasa_emotion.archive.call import Scored
from rasa_emotion.archive.figures import archive_figures
from rasa_emotion.archive.report import write_archive_report
from rasa_emotion.archive.tables import write_part


def call(name: str, anger: float, escalated: float | None) -> Scored:
    turn = {"path": name, "turn": 0, "end_secs": 60.0, "speech_secs": 3.0, "mood_valence": -anger, "mood_anger": anger}
    return Scored(
        {
            "path": name,
            "secs": 100.0,
            "speech_secs": 3.0,
            "mood": "hostile" if escalated else "calm",
            "peak_anger": anger,
            "peak_anger_secs": 57.0,
            "escalation": None if escalated is None else "handover",
            "escalation_secs": escalated,
            "escalation_rule": None if escalated is None else "anger",
            "escalation_reason": None if escalated is None else "The caller was very angry (anger 0.90).",
            "alerts": 0,
        },
        [{**turn, "emotion": "angry" if escalated else "neutral"}],
    )


@pytest.fixture
def out(tmp_path: Path) -> Path:
    write_part(tmp_path, 1, [call("a", 0.9, 60.0), call("b", 0.2, None), call("c", 0.95, 30.0), call("d", 0.1, None)])
    return tmp_path


def test_figures(out: Path) -> None:
    found = archive_figures(out)
    assert (found["calls"], found["escalated"], found["rules"]) == (4, 2, {"anger": 2})
    assert found["escalation_secs"] == [30.0, 60.0]
    assert found["emotions"]["angry"] == found["emotions"]["neutral"] == 0.5
    assert (found["moods"]["hostile"], found["moods"]["calm"]) == (2, 2)
    assert [one["path"] for one in found["listen_to"]] == ["c", "a", "b", "d"]
    assert [part is not None for part in found["course"]["anger"]] == [False] * 6 + [True] + [False] * 3
    assert found["course"]["anger"][6] == pytest.approx([0.175, 0.55, 0.9125], abs=1e-4)


def test_the_page_shows_when_a_human_should_have_taken_over(out: Path) -> None:
    write_archive_report(out, new=4, known=0)
    page = (out / "report.html").read_text(encoding="utf-8")
    assert page.count("data:image/png;base64,") == 4
    assert "The caller was very angry (anger 0.90)." in page
    assert "2 (50 %)" in page
