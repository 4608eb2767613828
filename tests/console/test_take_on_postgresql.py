"""Two processes that want the same conversation, on PostgreSQL."""

import json
import subprocess
import sys
import time

from sqlalchemy.engine import Engine

from rasa_emotion.database import create_tables, open_database
from rasa_emotion.handoff.desk_record import DeskRecord
from rasa_emotion.handoff.outbox import Outbox
from rasa_emotion.handoff.packet import Packet

HANDOVERS = 30

TAKER = """
import json, sys
from rasa_emotion.database import open_database
from rasa_emotion.handoff.desk_record import DeskRecord
from rasa_emotion.handoff.holding import TakenError
url, me = sys.argv[1:3]
desk = DeskRecord(open_database(url))
desk.waiting()
print("ready", flush=True)
sys.stdin.readline()
mine = []
for number in range(int(sys.argv[3])):
    try:
        desk.take(f"k{number}", me)
        mine.append(number)
    except TakenError:
        pass
print(json.dumps(mine))
"""


def handed_over(url: str) -> Engine:
    engine = open_database(url)
    create_tables(engine)
    said = {"rule": "r", "reason": "Angry.", "urgency": "high", "created": time.time(), "summary": "", "mood": "upset"}
    for number in range(HANDOVERS):
        Outbox(engine).enqueue(Packet(f"k{number}", "handover", f"caller {number}", "rest", **said))
    return engine


def test_each_conversation_is_taken_by_one(postgresql: str) -> None:
    engine = handed_over(postgresql)
    command = [sys.executable, "-c", TAKER, postgresql]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    agents = [subprocess.Popen([*command, name, str(HANDOVERS)], **pipes) for name in ("ada", "bob")]
    assert [agent.stdout.readline() for agent in agents] == ["ready\n"] * 2
    for agent in agents:
        agent.stdin.write("\n")
        agent.stdin.flush()
    ada, bob = (set(json.loads(agent.communicate()[0])) for agent in agents)
    assert not ada & bob
    assert ada | bob == set(range(HANDOVERS))
    holders = {int(one.key[1:]): one.taken_by for one in DeskRecord(engine).waiting()}
    assert holders == {number: "ada" if number in ada else "bob" for number in range(HANDOVERS)}
    engine.dispose()
