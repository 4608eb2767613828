"""Rasa's lock store in Redis, without the tickets that it loses where two processes change one lock at once."""

import json
import time
from collections.abc import Callable
from typing import Any, TypeVar

from rasa.core.lock import Ticket, TicketLock
from rasa.core.lock_store import LOCK_LIFETIME, LockError, RedisLockStore
from rasa.shared.exceptions import InvalidConfigException
from rasa.utils.endpoints import EndpointConfig

from rasa_emotion.bot.rasa_versions import redis_lock_options
from rasa_emotion.errors import ConfigError

T = TypeVar("T")


class EmotionLockStore(RedisLockStore):
    """A `RedisLockStore` for bots of several processes. Options are Rasa's; see docs/scaling.md.

    Rasa's reads a lock, changes it and writes it back in three steps. Two processes that do so at the same moment get
    the same ticket, or one's ticket is gone; their messages of one conversation then run side by side. Here each change
    is made under WATCH and MULTI, and made again where another process was faster. A number is never given twice, so
    that who took longer than a ticket lives does not hand back somebody else's. A lock without tickets is no lock, and
    one whose tickets have all expired leaves Redis by itself.

    >>> EmotionLockStore(EndpointConfig(url="localhost", port=6379)).issue_ticket("ann")  # doctest: +SKIP
    1764561600000000
    """

    def __init__(self, endpoint_config: EndpointConfig) -> None:
        """Connects when it is first needed (see parent class for full docstring).

        Raises:
            InvalidConfigException: the section `lock_store` of endpoints.yml has an option that Rasa's does not know.
        """
        try:
            options = redis_lock_options(endpoint_config)
        except ConfigError as error:
            raise InvalidConfigException(f"In endpoints.yml: {error}") from error
        super().__init__(**options)

    def issue_ticket(self, conversation_id: str, lock_lifetime: float = LOCK_LIFETIME) -> int:
        """Issues the next ticket (see parent class for full docstring)."""

        def issue(lock: TicketLock) -> int:
            lock.remove_expired_tickets()
            # The clock goes on where a lock is made anew; a count would begin again.
            number: int = max(lock.last_issued + 1, time.time_ns() // 1000)
            lock.tickets.append(Ticket(number, time.time() + lock_lifetime))
            return number

        try:
            return self._changed(conversation_id, issue)
        except Exception as error:
            raise LockError(f"Error while acquiring lock. Error:\n{error}") from error

    def update_lock(self, conversation_id: str) -> None:
        """Removes expired tickets (see parent class for full docstring)."""
        self._changed(conversation_id, TicketLock.remove_expired_tickets)

    def finish_serving(self, conversation_id: str, ticket_number: int) -> None:
        """Takes a ticket back (see parent class for full docstring)."""
        self._changed(conversation_id, lambda lock: lock.remove_ticket_for(ticket_number))

    def cleanup(self, conversation_id: str, ticket_number: int) -> None:
        """Takes a ticket back, and the lock with the last one (see parent class for full docstring)."""
        self.finish_serving(conversation_id, ticket_number)

    def _changed(self, conversation_id: str, change: Callable[[TicketLock], T]) -> T:
        """What `change` says of the lock that it changes; it may be called more than once."""
        key = self.key_prefix + conversation_id

        def attempt(pipe: Any) -> T:
            kept = pipe.get(key)
            lock = TicketLock.from_dict(json.loads(kept)) if kept else self.create_lock(conversation_id)
            said = change(lock)
            pipe.multi()
            if lock.tickets:
                last = max(ticket.expires for ticket in lock.tickets)
                pipe.set(key, lock.dumps(), px=max(1, round(1000 * (last - time.time()))))
            elif kept:
                pipe.delete(key)
            return said

        said: T = self.red.transaction(attempt, key, value_from_callable=True)
        return said
