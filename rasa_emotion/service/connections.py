"""Connections that ask for nothing: a head that does not come must not hold a socket for ever."""

import asyncio

from aiohttp import web

LOOKS = 4
"""Within the time that a head may take."""


class Heads:
    """Closes connections whose first request's head is late. aiohttp bounds those that had a request before alone.

    Args:
        secs: within which the head has to come.
    """

    def __init__(self, secs: float) -> None:
        self._secs = secs
        self._asked: set[object] = set()
        self._since: dict[object, float] = {}

    def note(self, request: web.BaseRequest) -> None:
        """A head has come."""
        self._asked.add(request.protocol)

    async def watch(self, server: web.Server) -> None:
        """Goes on until it is cancelled."""
        clock = asyncio.get_running_loop().time
        while True:
            await asyncio.sleep(self._secs / LOOKS)
            now, there = clock(), server.connections
            self._asked.intersection_update(there)
            self._since = {one: self._since.get(one, now) for one in there if one not in self._asked}
            for one in there:
                if now - self._since.get(one, now) > self._secs:
                    one.force_close()
