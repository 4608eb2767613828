#!/bin/bash
# Rasa Open Source 3.6.21 with `lock_store: type: redis` promises that a conversation's messages are handled one at a time,
# whichever process they reach. Its RedisLockStore issues a ticket in three steps (get, change, set) without a transaction, and
# takes one back in the same way: two processes that do so at once give out one number twice, and what one of them wrote is
# gone. Both then handle a message of the conversation at the same time, or wait for a ticket that nobody serves. Asked under
# WATCH and MULTI, as redis-py's `transaction` does, no number is given twice.
set -eu
here=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server"; rm -rf "$here"' EXIT
"${PYTHON310:-python3.10}" -m venv "$here/venv" || { echo "Rasa 3.6.21 runs on Python 3.10, which is not here"; exit 2; }
"$here/venv/bin/pip" install -q --no-deps rasa==3.6.21 # without TensorFlow, which the lock store does not need
"$here/venv/bin/pip" install -q aiohttp==3.9.5 sanic==21.12.2 structlog==23.3.0 pluggy==1.6.0 jsonschema==4.17.3 packaging==20.9 \
    ruamel.yaml==0.17.21 pykwalify==1.8.0 portalocker==2.10.1 redis==4.6.0 websockets==10.4 setuptools==70.3.0 \
    > "$here/log" 2>&1 || { cat "$here/log"; exit 2; } # it misses what --no-deps left out
cd "$here"
for package in redis-tools=5:7.0.15-1~deb12u10 libjemalloc2=5.3.0-1 liblzf1=3.6-3; do
    apt-get download -q "$package" > log 2>&1 || { echo "$package cannot be had: $(tail -1 log)"; exit 2; }
done
mkdir root
for package in *.deb; do dpkg -x "$package" root; echo "${package%.deb}"; done
export LD_LIBRARY_PATH="$here/root/usr/lib/x86_64-linux-gnu" RASA_TELEMETRY_ENABLED=false
cp root/usr/bin/redis-check-rdb redis-server # one program, which its name tells what to be
./redis-server --port 0 --unixsocket "$here/redis" --save "" > redis.log 2>&1 &
server=$!
venv/bin/python - <<'PYTHON'
import json
import multiprocessing
import sys
import time

import redis
from rasa.core.lock import TicketLock
from rasa.core.lock_store import RedisLockStore

EACH = 100


def connected():
    store = RedisLockStore()
    store.red = redis.Redis(unix_socket_path="redis")
    return store


def as_shipped(store, caller):
    return store.issue_ticket(caller, 300)


def in_a_transaction(store, caller):
    key = store.key_prefix + caller

    def change(pipe):
        kept = pipe.get(key)
        lock = TicketLock.from_dict(json.loads(kept)) if kept else TicketLock(caller)
        number = lock.issue_ticket(300)
        pipe.multi()
        pipe.set(key, lock.dumps())
        return number

    return store.red.transaction(change, key, value_from_callable=True)


def take(way, caller, gate, found):
    store = connected()
    gate.wait()
    found.put([way(store, caller) for _ in range(EACH)])


def tickets(way):
    """How many different numbers two processes got, and how many tickets are left in Redis."""
    caller = way.__name__
    gate, found = multiprocessing.Barrier(2), multiprocessing.Queue()
    processes = [multiprocessing.Process(target=take, args=(way, caller, gate, found)) for _ in range(2)]
    for process in processes:
        process.start()
    numbers = found.get() + found.get()
    return len(set(numbers)), len(connected().get_lock(caller).tickets)


for _ in range(50):
    try:
        version = connected().red.info()["redis_version"]
        break
    except redis.ConnectionError:
        time.sleep(0.1)
print(f"Redis {version}, redis-py {redis.__version__}; two processes take {EACH} tickets each of one conversation")
same = True
for way, lossless in ((as_shipped, False), (in_a_transaction, True)):
    different, kept = tickets(way)
    print(f"{way.__name__}: {different} different numbers, {kept} tickets in Redis")
    same &= (different == kept == 2 * EACH) is lossless
print("behaviour as described" if same else "behaviour has CHANGED")
sys.exit(0 if same else 1)
PYTHON
