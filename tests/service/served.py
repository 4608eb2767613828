"""A service in a process of its own, with the analyzer that tests can foresee, or models of a folder.

python tests/service/served.py            # FakeAnalyzer; --models FOLDER for real ones
"""

import argparse
import asyncio
import os
import sys
from dataclasses import fields
from functools import partial
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1]), str(Path(__file__).resolve().parents[2])]

from fake_analyzer import FakeAnalyzer  # noqa: E402

from rasa_emotion import EmotionAnalyzer  # noqa: E402
from rasa_emotion.logs import log_to  # noqa: E402
from rasa_emotion.service.limits import Limits  # noqa: E402
from rasa_emotion.turn.access import Access  # noqa: E402


class Named(FakeAnalyzer):
    """Tells the process that answered, and ends it where the words say so."""

    def read(self, text, *, confidence=None, context=()):
        if text == "die":
            os._exit(7)
        return super().read(text, confidence=confidence, context=context)


def make(given: argparse.Namespace):
    from rasa_emotion.service.app import Service  # noqa: PLC0415 -- once the folder of the metrics is known

    limits = Limits(**{field.name: getattr(given, field.name) for field in fields(Limits)})
    if given.models:
        analyzer = EmotionAnalyzer.load(None if given.models == "shipped" else given.models, allow_missing=True)
    else:
        analyzer = Named(str(os.getpid()) if given.checksum == "pid" else given.checksum)
    return Service(analyzer, Access("serve", {"token_file": given.token_file}), limits)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--models")
    parser.add_argument("--token-file")
    parser.add_argument("--checksum", default="fake")
    parser.add_argument("--processes", type=int, default=1)
    for field in fields(Limits):
        parser.add_argument(f"--{field.name}", type=type(field.default), default=field.default)
    given = parser.parse_args()
    if given.processes > 1:
        from rasa_emotion.service.processes import Plan, run_many  # noqa: PLC0415

        log_to()
        plan = Plan(partial(make, given), no_tls, given.drain_secs)
        run_many(plan, given.processes, host="127.0.0.1", port=given.port)
        return
    from rasa_emotion.service.running import listening, run  # noqa: PLC0415

    log_to()

    async def go() -> None:
        await run(make(given), sockets=listening("127.0.0.1", given.port))

    asyncio.run(go())


def no_tls() -> None:
    return None


if __name__ == "__main__":
    main()
