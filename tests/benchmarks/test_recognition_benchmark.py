"""The benchmark of recognisers: what counts as a wrong word, and that it runs."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from needed import needs

from benchmarks.recognition import distance, measure, normal, synthesised

needs_espeak = needs("espeak-ng")


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("I've been waiting.", "I have been waiting"),
        ("It's 42, isn't it?", "it's four two is not it"),
        ("3, 8, 0.", "three eight zero"),
        ("three eight oh", "380"),
        ("I WON'T; I can't!", "i will not i cannot"),
        ("forty two", "42"),
    ],
)
def test_the_writing_of_words_does_not_count(written: str, spoken: str) -> None:
    assert normal(written) == normal(spoken)


@pytest.mark.parametrize(
    ("said", "heard", "wrong"),
    [("a b c", "a b c", 0), ("a b c", "a c", 1), ("a b c", "a x c d", 2), ("a", "", 1), ("", "a b", 2)],
)
def test_wrong_words_are_counted(said: str, heard: str, wrong: int) -> None:
    assert distance(said.split(), heard.split()) == wrong


@needs_espeak
def test_one_that_hears_nothing_has_every_word_wrong() -> None:
    clips = list(synthesised(2))
    assert {clip.material for clip in clips} >= {"espeak-ng", "espeak-ng, mu-law"}
    rows = measure("none", clips)
    assert {row["word_error_rate"] for row in rows} == {100.0}
    assert all(row["cpu_per_second"] >= 0 and row["sure_if_right"] is None for row in rows)


@needs_espeak
def test_whisper_hears_most_of_it(repository: Path) -> None:
    pytest.importorskip("faster_whisper")
    command = [sys.executable, "benchmarks/recognition.py", "--most", "2", "--recogniser", "whisper", "--json"]
    answer = subprocess.run(command, cwd=repository, capture_output=True, text=True, check=True)
    rows = json.loads(answer.stdout)["rows"]
    assert sum(row["word_error_rate"] for row in rows) / len(rows) < 60


def test_a_recogniser_that_is_none_is_an_error_for_people(repository: Path) -> None:
    command = [sys.executable, "benchmarks/recognition.py", "--most", "1", "--recogniser", "wisper"]
    answer = subprocess.run(command, cwd=repository, capture_output=True, text=True, check=False)
    assert answer.returncode == 1
    assert "There is no recogniser 'wisper'" in answer.stderr
