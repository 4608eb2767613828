"""What Rasa reads as an intent is no words; a slash before ordinary words changes nothing about them."""

import subprocess
import sys

from rasa_emotion.conversation.history import earlier_words


def test_commands_are_left_out_of_what_was_said_and_words_behind_a_slash_are_not():
    said = ["/ or else", "/shrug ok", "/greet", '/inform@0.9{"city": "Bonn"}', " /restart ", "hello", "  "]
    events = [{"event": "user", "text": text} for text in said]
    assert earlier_words(events, last=9) == ["/ or else", "/shrug ok", "hello"]


def test_a_long_message_behind_a_slash_is_read_in_linear_time():
    program = """
from rasa_emotion.conversation.commands import is_command
for text in ("/a{}x", "/a@1{}x", "/a{}{{x", "/a{{{}x"):
    for filler in (" ", "\\t\\n", "1.", "@1 ", "{", "{}"):
        is_command(text.format(filler * 1_000_000))
"""
    # Anything but linear would take hours, and only the end of its process stops a regular expression.
    subprocess.run([sys.executable, "-c", program], timeout=60, check=True)
