"""A worker in a process of its own, which the drill kills.

python tests/handoff/drill_worker.py DATABASE_URL HELPDESK_AS_JSON
"""

import asyncio
import json
import signal
import sys

from rasa_emotion.database import open_database
from rasa_emotion.endpoints import Delivery
from rasa_emotion.handoff.helpdesks import open_helpdesk
from rasa_emotion.handoff.outbox import Outbox
from rasa_emotion.handoff.worker import Worker

# Fast, so that the drill is short; a lease lasts four seconds.
DELIVERY = Delivery(attempts=10_000, first_wait_secs=0.05, longest_wait_secs=0.5, timeout_secs=2, at_once=4)


async def work(url: str, settings: dict) -> None:
    helpdesk = open_helpdesk(settings)
    worker = Worker(Outbox(open_database(url)), helpdesk, delivery=DELIVERY, on_attempt=lambda _: None)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, worker.stop)
    print("ready", flush=True)
    await worker.run()
    await helpdesk.close()


if __name__ == "__main__":
    asyncio.run(work(sys.argv[1], json.loads(sys.argv[2])))
