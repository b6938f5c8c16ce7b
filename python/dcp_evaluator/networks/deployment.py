"""One job on a network, from its submission to its last result: which requests it takes, and what answers mean.

No connection and no clock in here: the session (session.py) says what was answered, heard and lost, and is told what to
ask. Whatever has no answer when a connection ends is asked again on the next. A submission that comes again says how
many slices the scheduler has, so that no data go twice; results that come again are not told again.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from ..errors import JobCancelledError, NetworkError
from .news import LABELS, News, Result, Stopped, Trouble

_FETCHED_AT_ONCE = 1000
_NO_GROUP = "no compute group has taken the job: is the join_key right, and its join_secret?"


class Service(enum.StrEnum):
    """As schedulers name them."""

    SUBMISSION = "jobSubmit"
    RESULTS = "resultSubmitter"
    EVENTS = "eventRouter"
    GROUPS = "computeGroups"


class Step(enum.Enum):
    """``service``; ``operation``."""

    SUBMIT = Service.SUBMISSION, "submit@5"
    ADD = Service.SUBMISSION, "addSliceData"
    CANCEL = Service.SUBMISSION, "cancelJob"
    CLOSE = Service.RESULTS, "closeJob"
    FETCH = Service.RESULTS, "fetchResult"
    SUBSCRIBE = Service.EVENTS, "subscribeMany"
    JOIN = Service.GROUPS, "addJobToGroups"

    @property
    def service(self) -> Service:
        return self.value[0]

    @property
    def operation(self) -> str:
        return self.value[1]


class Signer(enum.Enum):
    """Whose key lets the scheduler do more than who connects may have done."""

    NOBODY = enum.auto()
    OWNER = enum.auto()
    PAYER = enum.auto()


@dataclass(frozen=True, slots=True)
class Ask:
    """A request. ``data``: of the id of the session in which it is made."""

    step: Step
    data: Callable[[str], Any]
    signer: Signer = Signer.NOBODY


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is deployed. ``submission``: the data of ``submit@5``; ``groups``: of the session, its proofs for groups.

    ``owner``, ``payer``: addresses. ``by_value``: data are added after the submission.
    """

    job: str
    submission: Mapping[str, Any]
    groups: Callable[[str], Sequence[Mapping[str, Any]]]
    owner: str
    payer: str
    by_value: bool


@dataclass
class Deployment:
    """``end``: how the job has ended, once it has and all results are told."""

    order: Order
    end: Stopped | None = None
    _under_way: set[Step] = field(default_factory=set)
    _is_known: bool = False
    _is_submitted: bool = False
    _is_subscribed: bool = False
    _has_joined: bool = False
    _is_closed: bool = False
    _has_all_data: bool = False
    _pile: tuple[int, Any] | None = None
    _added: int = 0
    _cancelled: str | None = None
    _has_told_cancel: bool = False
    _tokens: dict[str, str] = field(default_factory=dict)
    _seen: set[int] = field(default_factory=set)
    _stopped: Stopped | None = None
    _missing: list[int] = field(default_factory=list)
    _trouble: str = ""

    # --- What there is to do ---

    @property
    def is_accepted(self) -> bool:
        """Whether the scheduler has the job, and will tell of it."""
        return self._is_known and self._is_subscribed and self._has_joined

    @property
    def wants_data(self) -> bool:
        return (
            self.order.by_value and self._is_submitted and self._pile is None
            and not (self._has_all_data or self._stopped or self._cancelled)
        )  # fmt: skip

    @property
    def is_cancelled(self) -> bool:
        """Whether it was cancelled here, and the scheduler does not go on with it."""
        is_unknown = not self._is_known and Step.SUBMIT not in self._under_way
        return self._cancelled is not None and (self._has_told_cancel or is_unknown)

    def add(self, pile: Any, count: int) -> None:
        """Data of the next ``count`` slices, as KVIN has them. After ``wants_data``."""
        self._pile = count, pile

    def has_all_data(self) -> None:
        self._has_all_data = True

    def cancel(self, reason: str) -> None:
        self._cancelled = reason

    def asks(self) -> list[Ask]:
        """What is to be asked now, each once until it is answered or lost."""
        found = [ask for ask in self._wanted() if ask.step not in self._under_way]
        self._under_way |= {ask.step for ask in found}
        return found

    def _wanted(self) -> list[Ask]:
        if self._cancelled is not None:
            return [self._cancel()] if self._is_known and not self._has_told_cancel else []
        order, asks = self.order, []
        if not self._is_submitted:
            asks.append(Ask(Step.SUBMIT, lambda _: order.submission, Signer.PAYER))
        if not self._is_known:
            return asks
        if not self._is_subscribed:
            asks.append(Ask(Step.SUBSCRIBE, lambda _: _subscription(order.job)))
        if not self._has_joined:
            asks.append(Ask(Step.JOIN, lambda session: {"job": order.job, "cgArray": list(order.groups(session))}))
        if self._is_submitted and self._pile is not None:
            pile = self._pile[1]
            asks.append(Ask(Step.ADD, lambda _: {"job": order.job, "dataValues": pile}))
        if self._is_submitted and self._has_all_data and self._pile is None and not self._is_closed:
            asks.append(Ask(Step.CLOSE, lambda _: {"job": order.job}))
        if self._missing:
            wanted = {"job": order.job, "owner": order.owner, "range": self._missing[:_FETCHED_AT_ONCE]}
            asks.append(Ask(Step.FETCH, lambda _: wanted, Signer.OWNER))
        return asks

    def _cancel(self) -> Ask:
        about = {"job": self.order.job, "owner": self.order.payer, "reason": self._cancelled}
        return Ask(Step.CANCEL, lambda _: about)

    # --- What comes ---

    def answered(self, ask: Ask, answer: Any) -> list[News]:
        """Raises NetworkError for what no scheduler should answer, or a refusal inside of an answer."""
        self._under_way.discard(ask.step)
        match ask.step:
            case Step.SUBMIT:
                self._submitted(answer)
            case Step.ADD if self._pile is not None:
                self._added += self._pile[0]
                self._pile = None
            case Step.CLOSE:
                self._is_closed = True
            case Step.SUBSCRIBE:
                self._subscribed(answer)
            case Step.JOIN:
                self._joined(answer)
            case Step.CANCEL:
                self._has_told_cancel = True
            case Step.FETCH:
                return self._fetched(answer)
        return []

    def refused(self, ask: Ask, code: str, message: str) -> None:
        """Raises NetworkError, unless that changes nothing."""
        self._under_way.discard(ask.step)
        if ask.step is Step.CANCEL:  # it has ended already
            self._has_told_cancel = True
        elif not (self._stopped and ask.step in (Step.ADD, Step.CLOSE)):
            raise NetworkError(f"the scheduler refuses {ask.step.operation}: {_said(code, message)}", code=code)

    def again(self, ask: Ask) -> None:
        """The scheduler could not answer now."""
        self._under_way.discard(ask.step)

    def lost(self, service: Service) -> None:
        """The connection has ended, and with it what was asked there and heard from there."""
        self._under_way = {step for step in self._under_way if step.service is not service}
        if service is Service.EVENTS:
            self._is_subscribed = False
            self._tokens.clear()
        if service is Service.SUBMISSION and self._pile is not None:
            self._is_submitted = False  # the scheduler may have the pile, or not

    def label_of(self, token: object) -> str | None:
        """Of an event."""
        return self._tokens.get(token) if isinstance(token, str) else None

    def heard(self, news: News) -> News | None:
        """The news, unless they are none."""
        match news:
            case Result(number):
                if number in self._seen:
                    return None
                self._seen.add(number)
            case Trouble(_, message):
                self._trouble = message
            case Stopped() if self._stopped is None:
                self._stop(news)
        return news

    def _stop(self, news: Stopped) -> None:
        self._stopped = news
        if news.status == "finished":
            self._missing = [number for number in range(1, news.total + 1) if number not in self._seen]
        if not self._missing:
            self.end = news

    def _submitted(self, answer: Any) -> None:
        """Where data are under way, and the connection ended, this says whether they have arrived."""
        has = answer.get("lastSliceNumber") if isinstance(answer, Mapping) else None
        self._is_known = self._is_submitted = True
        if self._pile is None:
            return
        if has == self._added + self._pile[0]:
            self._added, self._pile = has, None
        elif has != self._added:
            told = f"it has {has} slices, and {self._added} or {self._added + self._pile[0]} were sent"
            raise NetworkError(f"the scheduler has lost data of the job: {told}; deploy it again")

    def _subscribed(self, answer: Any) -> None:
        tokens = answer.get("tokens") if isinstance(answer, Mapping) else None
        if not isinstance(tokens, list):
            raise NetworkError("the scheduler answers without tokens for events: is it a scheduler of DCP?")
        for each in tokens:
            if isinstance(each, Mapping) and isinstance(each.get("event"), str) and isinstance(each.get("token"), str):
                self._tokens[each["token"]] = each["event"]
        self._is_subscribed = True

    def _joined(self, answer: Any) -> None:
        if isinstance(answer, Mapping) and answer.get("success") is False:
            raise NetworkError(_NO_GROUP, code="DCPL-1100")
        self._has_joined = True

    def _fetched(self, answer: Any) -> list[News]:
        wanted, self._missing = set(self._missing[:_FETCHED_AT_ONCE]), self._missing[_FETCHED_AT_ONCE:]
        found: list[News] = []
        for each in answer if isinstance(answer, list) else []:
            match each:
                case {"slice": int() as number, "value": str() as value} if number in wanted:
                    wanted.discard(number)
                    if number not in self._seen:
                        self._seen.add(number)
                        found.append(Result(number, unquote(value)))
        if wanted - self._seen:
            raise NetworkError(f"the job is finished, and the scheduler has no results of {len(wanted)} of its slices")
        if not self._missing:
            self.end = self._stopped
        return found

    def failure(self) -> Exception | None:
        """Why the job has not come to its end by itself, once it has ended."""
        end = self.end
        if end is None or end.status == "finished":
            return None
        reason = end.reason or f"its status is {end.status}"
        if self._trouble and self._trouble not in reason:
            reason += f"; the last error: {self._trouble}"
        if end.code == "ENOFUNDS":
            reason += f"; the account {self.order.payer} needs a deposit, or the job a lower price"
        return JobCancelledError(f"the scheduler has cancelled the job: {_said(end.code, reason)}", code=end.code)


def _said(code: str, message: str) -> str:
    return f"{code}: {message}" if code and code not in message else message


def _subscription(job: str) -> Mapping[str, Any]:
    reliable, optional = LABELS
    return {"reliableEvents": list(reliable), "optionalEvents": list(optional), "options": {"filter": {"job": job}}}
