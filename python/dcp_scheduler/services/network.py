"""What all services share."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from dcp_protocol import Connection, IncomingRequest
from dcp_protocol.keys.address import Address
from dcp_protocol.keys.private_key import PrivateKey

from ..delivery.budget import EventBudget
from ..delivery.relay import Relay
from ..delivery.subscriptions import Subscriptions
from ..errors import RefusedError
from ..jobs.data import JobData
from ..jobs.intake import Intake
from ..model.limits import Limits
from ..model.measured import Rates
from ..observation.counters import Counters
from ..scheduling.allotment import TASK_SECONDS
from ..scheduling.fairness import Fairness
from ..scheduling.windows import Windows
from ..store.database import Database
from .dispatcher import Dispatcher
from .presence import Presence


@dataclass(frozen=True, slots=True)
class Rules:
    """``liveness_seconds``: how often workers tell which slices they have; what is not told of for twice as long goes
    to others. ``gone_seconds``: after which a worker whose connection is lost is taken to be gone.
    ``weights``: of owners by address, where it is not 1.
    """

    rates: Rates = field(default_factory=Rates)
    liveness_seconds: float = 240.0
    gone_seconds: float = 60.0
    weights: Mapping[str, float] = field(default_factory=dict)

    def to_workers(self) -> dict[str, Any]:
        """``schedulerConfig`` of tasks, in milliseconds."""
        shared = {"useLifetimeAnalysis": False, "frequencyMs": round(1000 * self.liveness_seconds)}
        return {"shared": shared, "targetTaskDuration": TASK_SECONDS}


@dataclass(slots=True)
class Network:
    """``key``: the identity of all services; ``location``: what others are told, with a slash at its end."""

    key: PrivateKey
    database: Database
    subscriptions: Subscriptions
    relay: Relay
    location: Callable[[], str]
    rules: Rules = field(default_factory=Rules)
    counters: Counters = field(default_factory=Counters)
    limits: Limits = field(default_factory=Limits)
    events: EventBudget = field(init=False)
    data: JobData = field(init=False)
    presence: Presence = field(init=False)
    intake: Intake = field(init=False)
    dispatcher: Dispatcher = field(init=False)

    def __post_init__(self) -> None:
        self.events = EventBudget(self.limits.events_per_job)
        self.data = JobData(self.database.contents)
        self.presence = Presence(self.rules.gone_seconds)
        self.intake = Intake(self.database, self.rules.rates)
        self.dispatcher = Dispatcher(
            self.data,
            self.rules.rates,
            self.rules.liveness_seconds,
            Fairness(self.rules.weights),
            windows=Windows(self.limits.slices_out_per_identity, self.limits.slices_out_per_address),
        )


@dataclass(frozen=True, slots=True)
class Ask:
    """A request. ``peer``: the address that has signed it; ``address``: of the peer's machine; ``size``: bytes of what
    is asked; ``session``: of the connection. ``request``: as it came over a connection; None of one that came alone.
    """

    network: Network
    operation: str
    data: Any
    peer: str
    address: str
    size: int
    session: str = ""
    request: IncomingRequest | None = None

    @classmethod
    def of(cls, network: Network, request: IncomingRequest) -> Self:
        connection = request.connection
        return cls(
            network, request.operation, request.data, str(connection.peer), connection.remote,
            len(request.message.payload), connection.session, request,
        )  # fmt: skip

    @property
    def connection(self) -> Connection:
        """Raises RefusedError where there is none."""
        if self.request is None:
            raise RefusedError("ENOSYS", f"{self.operation} is for peers that stay connected")
        return self.request.connection

    @property
    def message(self) -> str | None:
        """The id that its peer has given it, the same where it is sent again; None where it came alone."""
        return None if self.request is None else self.request.message.id

    @property
    def place(self) -> str:
        """Under which limits by address count it; empty where they do not."""
        return self.network.limits.place(self.address) or ""

    def needs_signature(self, account: str) -> None:
        """Raises RefusedError, ``EPERM``, unless the account's key has signed the request itself."""
        signed = self.peer == account if self.request is None else self.request.authorizes(Address(account))
        if not signed:
            raise RefusedError("EPERM", f"the key of the account {account} has not signed this request")


Handler = Callable[[Ask], Awaitable[Any]]
