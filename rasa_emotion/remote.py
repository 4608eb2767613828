"""An `Analyzer` that asks a service (docs/service.md), and goes on without it while none answers."""

import json
import logging
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import Any, TypeVar, cast

from rasa_emotion.analyzer import EmotionAnalyzer
from rasa_emotion.audio.waveform import Waveform
from rasa_emotion.errors import RasaEmotionError
from rasa_emotion.estimate import EmotionEstimate, Evidence
from rasa_emotion.extras import needs_extra
from rasa_emotion.logs import named
from rasa_emotion.protocol import Analyzer, AudioSource, Capabilities, Words
from rasa_emotion.replicas import Replica, Replicas
from rasa_emotion.wire import (
    WIRE_VERSION,
    Described,
    Found,
    SentTurn,
    batches,
    described,
    error_of,
    in_memory,
    piece_of,
    result_of,
    spoken,
    written,
)

logger = logging.getLogger(__name__)

MOST_ANSWER_BYTES = 8_000_000
CONNECTIONS = 8
"""Kept open to each replica."""

OF_THE_REQUEST = {400, 413, 422}
"""Statuses that say something of what was sent, whichever replica is asked."""

Result = TypeVar("Result")


class Unreachable(RasaEmotionError):
    """No replica answered in time; the message says what was wrong with the last one.

    Args:
        full: it is well, and has too much to do.
    """

    def __init__(self, message: str, *, full: bool = False) -> None:
        super().__init__(message)
        self.full = full


class _Refused(RasaEmotionError):
    """A replica answered that what was sent cannot be analysed."""


class RemoteAnalyzer:
    """Asks a service. May be shared between threads, as the connections are.

    A replica that does not answer is passed over for the next one, once a request; after three failures in a row it is
    left alone for `rest_secs`. While none answers, `fallback` does, with one log line when that begins and one when it
    ends. Without a fallback nothing is heard or read, and the estimates are "unknown".

    Example: `RemoteAnalyzer(["http://emotion:8100"], token="...").read("I am furious").emotion`
    """

    def __init__(
        self,
        urls: Sequence[str],
        *,
        token: str | None = None,
        timeout_secs: float = 2.0,
        rest_secs: float = 10.0,
        fallback: Callable[[], Analyzer | None] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Opens no connection yet.

        Args:
            urls: of the replicas, such as "http://emotion:8100".
            token: the key that the service asks for.
            timeout_secs: within which an answer has to be there, a second try included.
            rest_secs: how long a replica that failed is left alone.
            fallback: makes what answers while no replica does; called once, when it is first needed.
            clock: seconds.

        Raises:
            ConfigError: there is no address, or one that is none.
            MissingExtraError: urllib3 is not installed.
        """
        with needs_extra("remote", "A remote service"):
            import urllib3  # noqa: PLC0415 -- an extra

        self._urllib3 = urllib3
        self._replicas = Replicas(urls, rest_secs=rest_secs, clock=clock)
        self._headers = {} if token is None else {"token": token}
        self._timeout_secs, self._clock = timeout_secs, clock
        self._pool = urllib3.PoolManager(maxsize=CONNECTIONS, retries=False)
        self._lock = threading.Lock()
        self._away = False
        self._described: Described | None = None
        self._stale = True
        self._make_fallback, self._fallback_lock = fallback, threading.Lock()
        self._fallback: Analyzer | None = None

    @property
    def capabilities(self) -> Capabilities:
        """What the service is made of; what stands in for it, while it was never reached."""
        described = self._description()
        if described is not None:
            return described.capabilities
        stand_in = self._stand_in()
        return stand_in.capabilities if stand_in else Capabilities()

    def hear(self, audio: AudioSource) -> Evidence | None:
        """Evidence of a voice (see `protocol.Analyzer`)."""
        return _or_raise(self.hear_many([audio])[0])

    def hear_many(self, audios: Sequence[AudioSource]) -> list[Found]:
        """What `hear` finds in each (see `protocol.Analyzer`)."""
        sounds = [in_memory(audio) for audio in audios]
        found: list[Found] = [sound if isinstance(sound, RasaEmotionError) else None for sound in sounds]
        places = [place for place, sound in enumerate(sounds) if not isinstance(sound, RasaEmotionError)]
        whole = cast(list[bytes | Waveform], [sounds[place] for place in places])
        for place, one in zip(places, self._pieces("acoustic", whole, spoken, _hear_many), strict=True):
            found[place] = one
        return found

    def read(self, text: str, *, confidence: float | None = None, context: Sequence[str] = ()) -> Evidence | None:
        """Evidence of words (see `protocol.Analyzer`)."""
        return _or_raise(self.read_many([Words(text, confidence, context)])[0])

    def read_many(self, turns: Sequence[Words]) -> list[Found]:
        """What `read` finds in each (see `protocol.Analyzer`)."""
        return self._pieces("text", turns, written, _read_many)

    def fuse(self, evidence: Iterable[Evidence | None]) -> EmotionEstimate:
        """One estimate from what was heard and read, made here with the service's constants."""
        pieces = [piece for piece in evidence if piece is not None]
        described = self._description()
        if described is not None and described.fusion is not None:
            return described.fusion.fuse(pieces)
        return (self._stand_in() or EmotionAnalyzer(None, None, None)).fuse(pieces)

    def analyze(
        self,
        audio: AudioSource | None = None,
        text: str | None = None,
        *,
        text_confidence: float | None = None,
        context: Sequence[str] = (),
    ) -> EmotionEstimate:
        """Voice and words in one request (see `protocol.Analyzer`)."""
        sound = None if audio is None else in_memory(audio)
        if isinstance(sound, RasaEmotionError):
            raise sound
        if sound is None and text is None:
            return self.fuse([])
        words = None if text is None else written(Words(text, text_confidence, context))
        heard = SentTurn({}) if sound is None else spoken(sound)
        try:
            (result,) = self._ask([SentTurn({**heard.body, **(words.body if words else {})}, heard.sound)])
        except Unreachable:
            stand_in = self._stand_in()
            if stand_in is None:
                return EmotionEstimate.unknown()
            return stand_in.analyze(sound, text, text_confidence=text_confidence, context=context)
        if isinstance(result, RasaEmotionError):
            raise result
        return EmotionEstimate.from_dict(result["estimate"])

    def close(self) -> None:
        """Close the connections."""
        self._pool.clear()

    def _pieces(
        self,
        modality: str,
        items: Sequence[Result],
        turn: Callable[[Result], SentTurn],
        instead: Callable[[Analyzer, Sequence[Result]], list[Found]],
    ) -> list[Found]:
        """The evidence of one modality of each; what stands in for the service gives it, where none answers."""
        found: list[Found] = []
        for batch in batches([turn(item) for item in items]):
            try:
                found += [piece_of(modality, result) for result in self._ask(batch)]
            except Unreachable:
                stand_in, rest = self._stand_in(), items[len(found) :]
                return [*found, *(instead(stand_in, rest) if stand_in else [None] * len(rest))]
        return found

    def _ask(self, turns: Sequence[SentTurn]) -> list[dict[str, Any] | RasaEmotionError]:
        """The service's result of each turn, or the error that it names. Raises Unreachable."""
        bodies, parts = [], {}
        for number, turn in enumerate(turns):
            told = dict(turn.body)
            if turn.sound is not None:
                parts[f"audio{number}"] = ("audio", turn.sound, "application/octet-stream")
                told["audio"] = {**told["audio"], "part": f"audio{number}"}
            bodies.append(told)
        request = json.dumps({"turns": bodies, "pieces": True})
        body, kind = self._urllib3.encode_multipart_formdata({"request": request, **parts})
        try:
            return self._request("POST", "/v1/analyze", body, {"Content-Type": kind}, self._results_of(len(turns)))
        except _Refused as refused:
            if len(turns) > 1:  # one that cannot be taken must harm no other
                return [result for turn in turns for result in self._ask([turn])]
            return [error_of(turn, str(refused)) for turn in turns]

    def _results_of(self, count: int) -> Callable[[dict[str, Any]], list[dict[str, Any] | RasaEmotionError]]:
        def read(answer: dict[str, Any]) -> list[dict[str, Any] | RasaEmotionError]:
            results = [result_of(one) for one in answer["results"]]
            if len(results) != count:
                raise ValueError
            described = self._described
            if described is not None and described.capabilities.checksum != answer.get("checksum"):
                self._stale = True
            return results

        return read

    def _description(self) -> Described | None:
        """What the service said of itself last; it is asked again when it may have changed."""
        if not self._stale:
            return self._described
        with suppress(Unreachable, _Refused):
            self._described = self._request("GET", "/v1/models", None, {}, described)
            self._stale = False
        return self._described

    def _request(
        self,
        method: str,
        path: str,
        body: bytes | None,
        headers: dict[str, str],
        read: Callable[[dict[str, Any]], Result],
    ) -> Result:
        """What `read` makes of the JSON that one replica answers, or the next. Raises Unreachable or _Refused."""
        deadline = self._clock() + self._timeout_secs
        reason = "All replicas of the service failed a moment ago."
        for number, replica in enumerate(self._replicas.order()):
            left = deadline - self._clock()
            if left <= 0:
                break
            try:
                # The first must leave time for another one.
                found = self._send(replica, method, path, body, headers, left if number else left / 2, read)
            except Unreachable as error:
                reason = str(error)
                if error.full and len(self._replicas) == 1:
                    break
            else:
                self._note_back()
                return found
        self._note_away(reason)
        raise Unreachable(reason)

    def _send(  # noqa: PLR0917 -- the parts of a request
        self,
        replica: Replica,
        method: str,
        path: str,
        body: bytes | None,
        headers: dict[str, str],
        secs: float,
        read: Callable[[dict[str, Any]], Result],
    ) -> Result:
        try:
            status, content = self._exchange(replica.url + path, method, body, headers, secs)
        except (self._urllib3.exceptions.HTTPError, OSError, TimeoutError) as error:
            self._replicas.note_failure(replica)
            raise Unreachable(f"The service at {replica.place} does not answer ({type(error).__name__}).") from error
        try:
            answer = json.loads(content)
            sentence = answer.get("error")
        except (ValueError, AttributeError) as error:
            self._replicas.note_failure(replica)
            raise Unreachable(f"What answers at {replica.place} is no such service; correct it.") from error
        if status in OF_THE_REQUEST:
            replica.failures = 0
            raise _Refused(str(sentence))
        if status != 200:
            full = status == 429
            if not full:
                self._replicas.note_failure(replica)
            raise Unreachable(f"The service at {replica.place} answers with status {status}: {sentence}", full=full)
        if answer.get("version") != WIRE_VERSION:
            self._replicas.note_failure(replica)
            raise Unreachable(
                f"The service at {replica.place} speaks version {answer.get('version')!r}, not {WIRE_VERSION}; "
                "install the same rasa-emotion on both sides."
            )
        try:
            found = read(answer)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            self._replicas.note_failure(replica)
            raise Unreachable(f"The service at {replica.place} gives an answer of another form.") from error
        replica.failures = 0
        return found

    def _exchange(
        self, url: str, method: str, body: bytes | None, headers: dict[str, str], secs: float
    ) -> tuple[int, bytes]:
        """Status and body, of at most so many seconds and bytes."""
        ends = self._clock() + secs
        response = self._pool.request(
            method,
            url,
            body=body,
            headers={**self._headers, **headers},
            timeout=self._urllib3.Timeout(total=secs),
            redirect=False,
            preload_content=False,
        )
        content = bytearray()
        try:
            for chunk in response.stream(65_536):
                content += chunk
                if self._clock() > ends or len(content) > MOST_ANSWER_BYTES:
                    raise TimeoutError
        except BaseException:
            response.close()  # the rest of the answer must not be taken for the next one
            raise
        response.release_conn()
        return response.status, bytes(content)

    def _note_away(self, reason: str) -> None:
        with self._lock:
            first, self._away = not self._away, True
        if first:
            logger.warning(
                "%s The bot goes on with what it has itself until the service answers.",
                reason,
                extra=named("remote.failed"),
            )

    def _note_back(self) -> None:
        with self._lock:
            back, self._away = self._away, False
        if back:
            self._stale = True  # it may have been started with other models
            logger.warning("The service answers again.", extra=named("remote.recovered"))

    def _stand_in(self) -> Analyzer | None:
        if self._make_fallback is None:
            return self._fallback
        with self._fallback_lock:
            if self._make_fallback is not None:
                self._fallback, self._make_fallback = self._make_fallback(), None
        return self._fallback


def _hear_many(analyzer: Analyzer, audios: Sequence[bytes | Waveform]) -> list[Found]:
    return analyzer.hear_many(audios)


def _read_many(analyzer: Analyzer, turns: Sequence[Words]) -> list[Found]:
    return analyzer.read_many(turns)


def _or_raise(found: Found) -> Evidence | None:
    if isinstance(found, RasaEmotionError):
        raise found
    return found
