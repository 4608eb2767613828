"""Many times what a server takes: each request is answered or told when to come back, and nothing is lost."""

import sys
from pathlib import Path

import requests

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "benchmarks"))

from load import Callers


def test_each_of_a_flood_is_answered_or_refused_and_the_server_goes_on(serve_channels):
    credentials = {"rasa_emotion.EmotionRestInput": {"max_turns": 4}}
    with serve_channels(credentials) as served:
        url = f"{served.address}/webhooks/emotion/webhook"
        flood = Callers(url, None, words=("slow",)).hold(60, 12.0, warm_secs=0.0)
        assert not flood.faults
        assert flood.statuses[200] > 0
        assert flood.statuses[429] > 0
        said = requests.post(url, json={"sender": "after", "message": "number"}, timeout=60)
        assert said.json()[0]["text"] == f"after emotion number {flood.statuses[200]}"
        assert served.process.poll() is None
