"""A process per core behind one port: started, watched, started again, and drained together.

Each process listens for itself once its models are loaded (SO_REUSEPORT: the kernel spreads connections over those
that listen). While one that died is started again, the others get all of them; the parent holds the port alone.
"""

import asyncio
import logging
import multiprocessing
import os
import shutil
import signal
import socket
import ssl
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess, parent_process

from rasa_emotion.errors import ConfigError, RasaEmotionError
from rasa_emotion.logs import log_to, named
from rasa_emotion.service.app import Service
from rasa_emotion.service.metrics import FOLDER
from rasa_emotion.service.running import listening, run

logger = logging.getLogger(__name__)

STEADY_SECS = 30.0
"""A process that lived so long had started well: the next one is started at once."""

MOST_WAIT_SECS = 30.0
"""Between two starts of a process that keeps dying; the first waits are 1, 2, 4 ... s."""

GRACE_SECS = 10.0
"""After the time for draining, in which processes may end by themselves."""


@dataclass(frozen=True)
class Plan:
    """What every process does; sent to them, so both parts are functions of modules or `functools.partial` of such.

    Args:
        make: the service, with its models.
        tls: the context to speak TLS with, or None.
        drain_secs: for requests that are inside at the end.
    """

    make: Callable[[], Service]
    tls: Callable[[], ssl.SSLContext | None]
    drain_secs: float = 30.0


def run_many(plan: Plan, processes: int, *, host: str, port: int) -> None:
    """Serve with so many processes until a SIGTERM or SIGINT; then all of them drain.

    Args:
        plan: what each does.
        processes: how many.
        host: address to listen at.
        port: 0 takes a free one.

    Raises:
        OSError: the address cannot be used.
        ConfigError: a process could not start; the message is its own.
    """
    if not hasattr(socket, "SO_REUSEPORT"):
        raise ConfigError("Several processes cannot share a port on this system; leave --processes out.")
    folder = tempfile.mkdtemp(prefix="rasa-emotion-metrics-")
    os.environ[FOLDER] = folder  # for the processes; what this one imported before does not change
    try:
        asyncio.run(_Parent(plan).watch(processes, host, port))
    finally:
        del os.environ[FOLDER]
        shutil.rmtree(folder, ignore_errors=True)


class _Parent:
    """Starts the processes and watches over them."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        # A fork would take the threads of onnxruntime and of the event loop along half.
        self._context = multiprocessing.get_context("spawn")
        self._stop = asyncio.Event()
        self._running: dict[int, BaseProcess] = {}
        self._place = ("", 0)

    async def watch(self, processes: int, host: str, port: int) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, self._stop.set)
        for one in listening(host, port):  # nobody else has it
            port = one.getsockname()[1]
            one.close()
        held = listening(host, port, shared=True, backlog=None)
        self._place = (host, port)
        scheme = "http" if self._plan.tls() is None else "https"
        started = [asyncio.get_running_loop().create_future() for _ in range(processes)]
        keepers = [asyncio.ensure_future(self._keep(number, ready)) for number, ready in enumerate(started)]
        stopped = asyncio.ensure_future(self._stop.wait())
        everyone = asyncio.ensure_future(asyncio.wait(started))
        try:
            await asyncio.wait({everyone, stopped, *keepers}, return_when=asyncio.FIRST_COMPLETED)
            if everyone.done():
                logger.info(
                    "The service listens at %s://%s:%d with %d processes.",
                    scheme,
                    host,
                    port,
                    processes,
                    extra=named("service.started"),
                )
                await asyncio.wait({stopped, *keepers}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._stop.set()
            for one in held:
                one.close()
            await self._end(keepers)
            ended = await asyncio.gather(*keepers, return_exceptions=True)
            for task in (stopped, everyone):
                task.cancel()
        for problem in ended:
            if isinstance(problem, BaseException):
                raise problem
        logger.info("All processes have ended.", extra=named("service.stopped"))

    async def _keep(self, number: int, ready: "asyncio.Future[None]") -> None:
        """One process after another, until the end. Raises ConfigError where the first cannot start."""
        loop, wait = asyncio.get_running_loop(), 0.0
        while not self._stop.is_set():
            begun = loop.time()
            process, told = self._start(number)
            problem = await self._ready(process, told)
            if problem is not None and not ready.done() and not self._stop.is_set():
                raise ConfigError(problem)
            if not ready.done():
                ready.set_result(None)
            await _ended(process)
            told.close()
            if self._stop.is_set():
                return
            wait = 0.0 if loop.time() - begun > STEADY_SECS else min(MOST_WAIT_SECS, max(1.0, 2 * wait))
            logger.error(
                "Process %d has died (exit code %s); another one is started in %g s.",
                process.pid,
                process.exitcode,
                wait,
                extra=named("service.process.died"),
            )
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._stop.wait(), wait)

    def _start(self, number: int) -> tuple[BaseProcess, Connection]:
        told, tell = self._context.Pipe(duplex=False)
        process = self._context.Process(target=_serve, args=(self._plan, *self._place, tell), name=f"service-{number}")
        process.start()
        tell.close()
        self._running[number] = process
        return process, told

    async def _ready(self, process: BaseProcess, told: Connection) -> str | None:
        """Returns when the process listens, or why it does not."""
        if not await _readable(told.fileno(), self._stop):
            return None
        try:
            problem: str | None = told.recv()
        except EOFError:
            await _ended(process)
            return f"A process of the service ended at its start (exit code {process.exitcode}); its log says why."
        return problem

    async def _end(self, keepers: "list[asyncio.Task[None]]") -> None:
        """SIGTERM to all; after the time for draining, SIGKILL. The keepers see their processes end."""
        for process in self._running.values():
            process.terminate()
        _, late = await asyncio.wait(keepers, timeout=self._plan.drain_secs + GRACE_SECS)
        if late:
            for process in self._running.values():
                process.kill()


async def _ended(process: BaseProcess) -> None:
    await _readable(process.sentinel)
    process.join()


async def _readable(handle: int, stop: asyncio.Event | None = None) -> bool:
    """Waits until there is something to read, or for the end; whether there is."""
    loop = asyncio.get_running_loop()
    there = asyncio.Event()
    loop.add_reader(handle, there.set)
    waits = [asyncio.ensure_future(one.wait()) for one in (there, stop) if one is not None]
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        loop.remove_reader(handle)
        for task in waits:
            task.cancel()
    return there.is_set()


def _serve(plan: Plan, host: str, port: int, tell: Connection) -> None:
    """What a process does. `tell` gets None when it listens, or why it cannot."""
    log_to()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: os._exit(0))  # until it serves, there is nothing to drain
    try:
        service, tls = plan.make(), plan.tls()
    except RasaEmotionError as error:
        tell.send(str(error))
        return

    async def go() -> None:
        sockets = listening(host, port, shared=True)
        await run(service, sockets=sockets, tls=tls, listens=lambda: tell.send(None), orphaned=_parent_gone)

    asyncio.run(go())


async def _parent_gone() -> None:
    parent = parent_process()
    assert parent is not None
    await _readable(parent.sentinel)
