"""Finds how many requests an endpoint takes at once, without being told; values in, values out.

A default deployment takes two requests at once and answers the third with 429; nobody tells the client the
number. The rule is TCP's: one more when a round of answers came back well (additive increase), a fifth less
when one was refused or answers became slow (multiplicative decrease). Two things are different, because a
refusal costs a whole upload:

* The limit that was refused is remembered as the *wall*. Below it the limit climbs a step a round; at the wall
  it waits, and tries the wall again only after a number of good answers that doubles with every try that fails.
  So refusals stay below 2 % of the answers, and a deployment that grows is still found.
* A try at the wall that is refused costs one step, not a fifth: it says that nothing has changed.

Where others hold all of the endpoint, even one request in flight is one too many, and a refusal takes a millisecond:
one image after the other would be refused, hundreds within a second, and given up. So a refusal at a limit of one holds
the next request back, twice as long each time, until one comes through.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

START = 2  # what a default deployment takes
_CUT = 0.8
_FIRST_WAIT = 10  # good answers before the wall is retried
_LONGEST_WAIT = 80  # 1 / 80 of the answers refused
_SHORTEST_PAUSE = 1.0  # seconds between two tries of the wall
_FIRST_HOLD, _LONGEST_HOLD = 0.1, 1.0  # seconds until the next request, after one that was refused though alone
_TWICE_AS_SLOW = 2.0
_SLACK = 0.1  # seconds; a rise below this is noise of the network and of this machine


class Verdict(Enum):
    """What an answer says about the number of requests in flight."""

    FINE = 0
    TOO_MUCH = 1  # refused because of the load, or timed out
    NOTHING = 2  # failed for another reason


@dataclass(frozen=True, slots=True)
class Sent:
    """A request on its way: when it left, and after which change of the limit."""

    at: float
    epoch: int


class AdaptiveLimit:
    """How many requests may be in flight. Not thread-safe: a throttle holds its lock around every call.

    Args:
        most: the limit never rises above this.
        is_known: it is what the endpoint takes: begin there, and only ever look for it again after a refusal.
    """

    def __init__(self, most: int, is_known: bool = False) -> None:
        self._most = most
        self.limit: int = most if is_known else min(START, most)
        self.in_flight = 0
        self._wall: int | None = None
        self._epoch = 0  # changes with every cut
        self._wait = _FIRST_WAIT
        self._good = 0  # good answers since the wall was last met
        self._met = 0.0  # when that was
        self._hold = 0.0  # seconds that the last refusal at a limit of one held the next request back
        self._held_until = float("-inf")
        self._usual: float | None = None  # seconds of the quickest answers when little is in flight
        self._round: list[float] = []
        self._full = False  # whether the limit was reached in this round

    @property
    def epoch(self) -> int:
        """Changes with every cut; a request carries it, so that its answer teaches nothing about a later limit."""
        return self._epoch

    @property
    def wall(self) -> int | None:
        """The number that was refused, or made answers slow; None before."""
        return self._wall

    @property
    def is_held_back(self) -> bool:
        """Whether it stands at what the caller allows, and says nothing of what the endpoint takes."""
        return self.limit == self._most and (self._wall is None or self._wall > self._most)

    def go_on_from(self, earlier: AdaptiveLimit, is_known: bool) -> None:
        """Begin where an earlier limit of the same deployment stood, unless what is known says more."""
        if is_known and earlier._wall is None:
            return
        least = START if earlier._wall is None else 1  # it was not the endpoint that kept it lower
        self.limit = min(max(least, earlier.limit), self._most)
        self._wall, self._wait = earlier._wall, earlier._wait
        self._good, self._met, self._usual = earlier._good, earlier._met, earlier._usual

    def wait(self, now: float) -> float:
        """Seconds until a request may leave, where there is room for one; 0 for now."""
        return max(0.0, self._held_until - now)

    def sent(self, now: float) -> Sent:
        """A request leaves; ``in_flight`` counts it already."""
        self._full = self._full or self.in_flight >= self.limit
        return Sent(now, self._epoch)

    def answered(self, sent: Sent, verdict: Verdict, now: float) -> None:
        """Its answer came, or it failed."""
        if sent.epoch != self._epoch:
            return  # it left before the last cut, and says nothing about the limit of today
        if verdict is Verdict.TOO_MUCH:
            self._cut(now)
        elif verdict is Verdict.FINE:
            self._hold = 0.0
            self._good += 1
            self._round.append(now - sent.at)
            if len(self._round) >= self.limit:
                self._end_round(now)

    def _new_round(self) -> None:
        self._round = []
        self._full = False

    def _end_round(self, now: float) -> None:
        seconds, full = min(self._round), self._full  # a queue at the endpoint delays all; a busy machine, some
        self._new_round()
        if self._usual is None or self.limit <= START:
            self._usual = seconds  # at so few in flight it is the service's own pace
        self._usual = min(self._usual, seconds)
        if self.limit > START and seconds > self._usual * _TWICE_AS_SLOW + _SLACK:
            self._cut(now)
        elif full and self.limit < self._most:
            self._grow(now)

    def _grow(self, now: float) -> None:
        wall = self._wall
        if wall is None or self.limit < wall - 1:
            self.limit += 1
        elif self.limit >= wall:  # the try at the wall went well: it stands no more
            self.limit += 1
            self._wall, self._wait = self.limit, _FIRST_WAIT
        elif self._good >= self._wait and now - self._met >= _SHORTEST_PAUSE:
            self.limit = wall

    def _cut(self, now: float) -> None:
        if self.limit == 1:
            self._hold = min(max(_FIRST_HOLD, 2 * self._hold), _LONGEST_HOLD)
            self._held_until = now + self._hold
        if self.limit == self._wall:
            self.limit -= 1
            self._wait = min(2 * self._wait, _LONGEST_WAIT)
        else:
            self._wall, self._wait = self.limit, _FIRST_WAIT
            self.limit = min(self.limit - 1, int(self.limit * _CUT))
        self.limit = max(1, self.limit)
        self._epoch += 1
        self._good, self._met = 0, now
        self._new_round()
