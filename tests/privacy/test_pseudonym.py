"""What logs may say of callers and errors."""

import subprocess
import sys

from rasa_emotion.errors import place_of
from rasa_emotion.privacy.pseudonym import pseudonym


def test_one_name_per_caller_and_process() -> None:
    assert pseudonym("07700 900123") == pseudonym("07700 900123")
    assert pseudonym("07700 900123") != pseudonym("07700 900124")
    assert "900123" not in pseudonym("07700 900123")


def test_another_process_gives_other_names() -> None:
    script = "from rasa_emotion.privacy.pseudonym import pseudonym; print(pseudonym('07700 900123'))"
    other = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.strip()
    assert len(other) == 8
    assert other != pseudonym("07700 900123")


def test_any_id_has_a_name() -> None:
    assert len({pseudonym(sender) for sender in ("", None, "\udcff", "ü" * 1000, "a\nb")}) == 5


def test_an_errors_message_is_left_out() -> None:
    try:
        int("my number is 07700 900123")
    except ValueError as error:
        said = place_of(error)
    assert said.startswith("ValueError, test_pseudonym.py:")
    assert "900123" not in said
