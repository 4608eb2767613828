"""A service in a process of its own, with the analyzer that tests can foresee, or models of a folder.

python tests/service/served.py            # FakeAnalyzer; --models FOLDER for real ones
"""

import argparse
import asyncio
import sys
from dataclasses import fields
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1]), str(Path(__file__).resolve().parents[2])]

from fake_analyzer import FakeAnalyzer  # noqa: E402

from rasa_emotion import EmotionAnalyzer  # noqa: E402
from rasa_emotion.logs import log_to  # noqa: E402
from rasa_emotion.service.app import Service  # noqa: E402
from rasa_emotion.service.limits import Limits  # noqa: E402
from rasa_emotion.service.running import run  # noqa: E402
from rasa_emotion.turn.access import Access  # noqa: E402

parser = argparse.ArgumentParser()
parser.add_argument("--port", type=int, default=0)
parser.add_argument("--models")
parser.add_argument("--token-file")
parser.add_argument("--checksum", default="fake")
for field in fields(Limits):
    parser.add_argument(f"--{field.name}", type=type(field.default), default=field.default)
given = parser.parse_args()


async def main() -> None:
    models = given.models and EmotionAnalyzer.load(
        None if given.models == "shipped" else given.models, allow_missing=True
    )
    limits = Limits(**{field.name: getattr(given, field.name) for field in fields(Limits)})
    service = Service(models or FakeAnalyzer(given.checksum), Access("serve", {"token_file": given.token_file}), limits)
    await run(service, host="127.0.0.1", port=given.port)


log_to()
asyncio.run(main())
