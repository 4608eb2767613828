"""What is too much for the service."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Limits of size, time and waiting.

    Args:
        workers: requests that are analysed at the same time, each in a thread.
        waiting: requests that may wait for a thread; the next one is refused with 429.
        wait_secs: one that would wait longer than this, going by what the last ones took, is refused as well; as many
            as there are threads may always wait.
        bodies: requests whose body may be on its way at the same time; the next one is refused with 429.
        body_bytes: of one request.
        body_secs: within which a body has to arrive.
        analysis_secs: waiting and analysis of one request.
        turns: of one request.
        audio_secs: of one decoded recording.
        drain_secs: after a SIGTERM, in which requests that are inside may end.
        streams: WebSockets that may be open; the next one is refused with 429.
        frame_bytes: of one message of a stream.
        start_secs: within which a stream's first message has to come.
        idle_secs: without a message or ping, after which a stream is closed.
        send_secs: within which a stream's client has to read.
        head_secs: within which a new connection has to send a request's head.
    """

    workers: int = 2
    waiting: int = 16
    wait_secs: float = 0.1
    bodies: int = 32
    body_bytes: int = 12_000_000
    body_secs: float = 10.0
    analysis_secs: float = 10.0
    turns: int = 64
    audio_secs: float = 60.0
    drain_secs: float = 30.0
    streams: int = 64
    frame_bytes: int = 262_144
    start_secs: float = 10.0
    idle_secs: float = 120.0
    send_secs: float = 10.0
    head_secs: float = 20.0
