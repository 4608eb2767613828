"""Rasa's own command, with an analyzer that hears loudness: `python serve_calls.py run --port 5005 ...`."""

import fake_analyzer
from rasa.__main__ import main
from voice_kit import LoudnessAnalyzer

if __name__ == "__main__":
    fake_analyzer.FakeAnalyzer = LoudnessAnalyzer
    fake_analyzer.install()
    main()
