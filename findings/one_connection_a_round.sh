#!/bin/bash
# uvloop takes one new connection in a round of its event loop; asyncio's own loop takes all that wait. In a server whose
# rounds are long, such as one that computes in them, a burst of clients waits for as many rounds as there are clients before
# them, and a short listen backlog then overflows: the system drops connections that clients believe to be open, and resets
# them half a minute later.
set -eu
python="${1:-python3}"
"$python" - <<'PYTHON'
import asyncio
import socket
import time

import uvloop

CLIENTS, ROUND_SECS = 40, 0.02


async def rounds() -> int:
    """Rounds of 20 ms until 40 connections that wait have been taken."""
    loop, taken, count = asyncio.get_running_loop(), [], 0
    server = await loop.create_server(lambda: Noting(taken), "127.0.0.1", 0, backlog=4096)
    clients = []
    for _ in range(CLIENTS):
        client = socket.socket()
        client.setblocking(False)
        client.connect_ex(server.sockets[0].getsockname())
        clients.append(client)
    while len(taken) < CLIENTS:
        time.sleep(ROUND_SECS)
        count += 1
        await asyncio.sleep(0)
    return count


class Noting(asyncio.Protocol):
    def __init__(self, taken):
        self.taken = taken

    def connection_made(self, transport):
        self.taken.append(transport)


print(f"asyncio: {asyncio.run(rounds())} rounds for {CLIENTS} connections")
uvloop.install()
print(f"uvloop {uvloop.__version__}: {asyncio.run(rounds())} rounds for {CLIENTS} connections")
PYTHON
