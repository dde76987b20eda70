"""At most so many requests a minute and token. Never refuses because its counter is away."""

from __future__ import annotations

import logging
import time
from functools import lru_cache
from typing import TYPE_CHECKING

from django.conf import settings
from redis import Redis, RedisError
from redis.backoff import NoBackoff
from redis.retry import Retry
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from orgo_audit.accounts.models import ServiceToken

if TYPE_CHECKING:
    from rest_framework.views import APIView  # which looks up the class below when imported

logger = logging.getLogger(__name__)

WINDOW_SECONDS = 60
# A counter that hangs must not hang the events.
TIMEOUT_SECONDS = 0.5


class TokenThrottle(BaseThrottle):
    """Counts a token's requests in the running minute, over all processes. People are not counted.

    It runs before the body is read: of a refused request nothing is judged or stored.
    """

    def allow_request(self, request: Request, view: APIView) -> bool:
        limit = settings.ORGO_REQUESTS_PER_MINUTE
        if not limit or not isinstance(request.user, ServiceToken):
            return True
        return counter.count(request.user.pk, time.time()) <= limit

    def wait(self) -> float:
        """The seconds until the next minute begins."""
        return WINDOW_SECONDS - time.time() % WINDOW_SECONDS


class Counter:
    """How many requests a token made in a minute. It rests for a minute when the cache is away."""

    def __init__(self) -> None:
        self._rests_until = 0.0

    def count(self, token_id: int, now: float) -> int:
        """With this one; 0 while nobody counts."""
        if time.monotonic() < self._rests_until:
            return 0
        try:
            return _incremented(f"orgo:requests:{token_id}:{int(now // WINDOW_SECONDS)}")
        except RedisError:
            self._rests_until = time.monotonic() + WINDOW_SECONDS
            logger.warning("the cache is away; for a minute, requests are not counted")
            return 0


counter = Counter()


def _incremented(key: str) -> int:
    """One round trip; Django's cache asks first whether the key is there."""
    pipeline = _cache().pipeline(transaction=False)
    pipeline.incr(key)
    pipeline.expire(key, 2 * WINDOW_SECONDS)
    return int(pipeline.execute()[0])


def can_count() -> bool:
    """Whether the cache takes and gives back a number. RedisError where it is away."""
    return _incremented("orgo:readyz") > 0


@lru_cache(maxsize=1)
def _cache() -> Redis:
    return Redis.from_url(
        settings.REDIS_URL,
        socket_timeout=TIMEOUT_SECONDS,
        socket_connect_timeout=TIMEOUT_SECONDS,
        # A connection that the server closed is opened again, once.
        retry=Retry(NoBackoff(), 1),
    )
