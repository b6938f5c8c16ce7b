"""Which node gets which slices, without any: each ends exactly once, whatever nodes do, and no node has too many."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from dcp_evaluator.clusters import dispatcher
from dcp_evaluator.clusters.dispatcher import Dispatcher
from dcp_evaluator.sandboxes.slice_ledger import LedgerError, Slice, SliceEvent, SliceState
from simulated_cluster import Cluster, Node, Source

pytestmark = pytest.mark.any_engine

ENDS = {SliceState.ANSWERED, SliceState.FAILED, SliceState.CANCELLED}


class Witness(Slice):
    """``ends``: how often it came into a last state."""

    def __init__(self, index: int, size: int) -> None:
        super().__init__(index, None)
        self.size = size
        self.ends = 0

    def move(self, event: SliceEvent) -> None:
        super().move(event)
        self.ends += self.state in ENDS


class Slices:
    """A source. ``is_open``: it has something now; ``total``: what it says of itself."""

    def __init__(self, count: int, *, total: int | None = None, size: int = 0) -> None:
        self.count = count
        self.total = total
        self.size = size
        self.is_open = True
        self.exhausted = True
        self.taken: list[Witness] = []

    def take(self) -> Slice | None:
        self.exhausted = self.is_open
        if not self.is_open or len(self.taken) == self.count:
            return None
        self.taken.append(Witness(len(self.taken), self.size))
        return self.taken[-1]


class Nodes:
    """Of one dispatcher. ``at``: what each of them has; ``out``: what all have."""

    def __init__(self, source: Slices, retries: int = 0) -> None:
        self.dispatcher = Dispatcher(source, retries)
        self.at: dict[int, dict[int, Slice]] = {}
        self.out: set[int] = set()
        self.sandboxes: dict[int, int] = {}

    def join(self, node: int, sandboxes: int = 1) -> None:
        self.dispatcher.join(node, sandboxes)
        self.at[node] = {}
        self.sandboxes[node] = sandboxes

    def hand_out(self, node: int, can_be_sent: Callable[[Slice], bool] = lambda work: True) -> list[int]:
        """As the backend does it, and asserts that a slice is at one node alone."""
        given = []
        wanted = self.dispatcher.wanted(node)
        for _ in range(wanted):
            work = self.dispatcher.take(node)
            if work is None:
                break
            assert work.state is SliceState.WAITING
            if not can_be_sent(work):
                self.dispatcher.cannot_be_sent(work)
                continue
            assert work.index not in self.out
            self.dispatcher.sent(node, work)
            self.out.add(work.index)
            self.at[node][work.index] = work
            given.append(work.index)
        if wanted:
            self.dispatcher.handed_out(node)
        return given

    def answer(self, node: int, index: int, *, failed: bool = False) -> None:
        del self.at[node][index]
        self.out.remove(index)
        self.dispatcher.answered(node, index, failed=failed)

    def answer_all(self, node: int) -> None:
        for index in list(self.at[node]):
            self.answer(node, index)

    def lose(self, node: int, *, blameless: bool = False) -> int | None:
        """The slice that has failed with it."""
        self.out -= self.at.pop(node).keys()
        del self.sandboxes[node]
        failed = self.dispatcher.lost(node, blameless=blameless)
        return None if failed is None else failed.index

    def work_at(self, node: int, rate: float, replies: int = 9) -> None:
        """It answers so many slices a second for a while, so that its speed is known."""
        for _ in range(replies):
            self.hand_out(node)
            answered = len(self.at[node])
            self.answer_all(node)
            self.dispatcher.measure(node, answered / rate)

    def finish(self) -> None:
        """From here on all goes well."""
        for _ in range(10_000):
            for node in self.at:
                self.hand_out(node)
            if self.dispatcher.done:
                return
            for node in self.at:
                self.answer_all(node)
        raise AssertionError("slices are left")


# --- How many a node has ---


def test_a_node_of_unknown_speed_gets_as_many_as_run():
    nodes = Nodes(Slices(100))
    nodes.join(0, 4)
    assert nodes.hand_out(0) == [0, 1, 2, 3]
    assert nodes.hand_out(0) == []
    nodes.answer(0, 1)
    assert nodes.hand_out(0) == [4]


def test_a_node_has_no_more_slices_than_the_bound_though_they_take_no_time():
    nodes = Nodes(Slices(10**9))
    nodes.join(0, 4)
    nodes.work_at(0, 1e9)
    nodes.hand_out(0)
    assert len(nodes.at[0]) == 4 + dispatcher.MOST_AHEAD
    assert nodes.dispatcher.wanted(0) == 0


def test_a_node_has_no_more_bytes_than_the_bound_and_one_batch():
    size = dispatcher.MOST_BYTES // 3
    nodes = Nodes(Slices(10**9, size=size))
    nodes.join(0, 2)
    nodes.work_at(0, 1000.0)
    sent = 0
    while nodes.dispatcher.wanted(0) and (work := nodes.dispatcher.take(0)):  # the backend ends batches that are large
        nodes.dispatcher.sent(0, work)
        sent += 1
    assert sent == 3


def test_slices_that_take_long_wait_with_the_driver():
    nodes = Nodes(Slices(1000))
    nodes.join(0, 4)
    nodes.work_at(0, 4 / 10.0)
    nodes.hand_out(0)
    assert len(nodes.at[0]) == 4


def test_few_slices_are_spread_over_all_nodes_and_those_that_are_about_to_join():
    nodes = Nodes(Slices(12, total=12))
    nodes.join(0, 16)
    nodes.join(1, 8)
    nodes.dispatcher.expected = 24
    assert [len(nodes.hand_out(node)) for node in (0, 1)] == [4, 2]
    assert [len(nodes.hand_out(node)) for node in (0, 1)] == [0, 0]
    nodes.join(2, 24)
    nodes.dispatcher.expected = 0
    assert [len(nodes.hand_out(node)) for node in (0, 1, 2)] == [0, 0, 6]


def test_few_slices_run_at_the_nodes_that_there_are_when_others_do_not_come():
    nodes = Nodes(Slices(12, total=12))
    nodes.join(0, 16)
    nodes.dispatcher.expected = 32
    assert len(nodes.hand_out(0)) == 4
    nodes.dispatcher.expected = 0
    assert len(nodes.hand_out(0)) == 8


def test_where_nodes_are_many_batches_are_larger():
    few, many = Nodes(Slices(10**9)), Nodes(Slices(10**9))
    few.join(0)
    for node in range(1000):
        many.join(node)
    for nodes in (few, many):
        nodes.work_at(0, 100.0, replies=20)
        nodes.hand_out(0)
    assert len(few.at[0]) <= 2 * 0.2 * 100 + 2
    assert 10 * 100 < len(many.at[0]) <= 2 * 12.5 * 100 + 2


def test_an_answer_to_a_slice_that_the_node_does_not_have_is_an_error():
    nodes = Nodes(Slices(2))
    nodes.join(0)
    nodes.join(1)
    nodes.hand_out(0)
    nodes.hand_out(1)
    for index in (1, 7):
        with pytest.raises(LedgerError, match="the node does not have"):
            nodes.dispatcher.answered(0, index)
    nodes.answer(0, 0)
    with pytest.raises(LedgerError, match="the node does not have"):
        nodes.dispatcher.answered(0, 0)


# --- When it is done ---


def test_no_slices_are_done_before_a_node_comes():
    assert Nodes(Slices(0)).dispatcher.done


def test_a_slice_that_fails_with_the_last_node_is_the_end():
    nodes = Nodes(Slices(1, total=1))
    nodes.join(0)
    nodes.hand_out(0)
    assert nodes.lose(0) == 0
    assert nodes.dispatcher.done


def test_a_source_that_has_nothing_now_is_asked_again():
    source = Slices(2)
    nodes = Nodes(source)
    nodes.join(0)
    source.is_open = False
    assert nodes.hand_out(0) == []
    assert not nodes.dispatcher.done
    source.is_open = True
    assert nodes.hand_out(0) == [0]
    nodes.answer_all(0)
    assert not nodes.dispatcher.done
    nodes.finish()


def test_a_source_that_has_said_a_wrong_number_is_taken_to_its_end():
    for said in (0, 3, 100):
        source = Slices(10, total=said)
        nodes = Nodes(source)
        nodes.join(0, 2)
        nodes.work_at(0, 100.0)
        nodes.finish()
        assert len(source.taken) == 10


# --- What becomes of those of a node that is lost ---


def test_they_come_first_elsewhere_and_in_order():
    nodes = Nodes(Slices(100), retries=1)
    nodes.join(0, 4)
    nodes.join(1, 6)
    nodes.hand_out(0)
    assert nodes.lose(0) is None
    assert nodes.hand_out(1) == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize("retries", [0, 1, 2])
def test_a_slice_that_is_alone_with_its_node_runs_again_as_often_as_allowed(retries):
    source = Slices(1)
    nodes = Nodes(source, retries)
    for _ in range(retries):
        nodes.join(0, 4)
        assert nodes.hand_out(0) == [0]
        assert nodes.lose(0) is None
    nodes.join(0, 4)
    nodes.hand_out(0)
    assert nodes.lose(0) == 0
    assert source.taken[0].deaths == retries + 1
    assert nodes.dispatcher.done


@pytest.mark.parametrize("retries", [0, 2])
@pytest.mark.parametrize("sandboxes", [1, 3, 8])
def test_the_slice_that_ends_nodes_fails_and_no_other_one(retries, sandboxes):
    source = Slices(2000)
    nodes = Nodes(source, retries)
    killer, lost, failed = 1500, 0, []
    for node in range(3):
        nodes.join(node, sandboxes)
        nodes.work_at(node, 200.0, replies=3)
    while not nodes.dispatcher.done:
        for node in list(nodes.at):
            nodes.hand_out(node)
        for node, there in list(nodes.at.items()):
            if killer not in there:
                nodes.answer_all(node)
                continue
            failed.append(nodes.lose(node))
            lost += 1
            nodes.join(node, sandboxes)
    assert [index for index in failed if index is not None] == [killer]
    assert lost <= retries + 3
    assert source.taken[killer].deaths == lost
    assert all(work.ends == 1 for work in source.taken)


def test_where_no_slice_is_to_blame_none_loses_a_try():
    source = Slices(3)
    nodes = Nodes(source)
    for _ in range(10):
        nodes.join(0, 4)
        nodes.hand_out(0)
        assert nodes.lose(0, blameless=True) is None
    assert [work.deaths for work in source.taken] == [0, 0, 0]
    nodes.join(0)
    nodes.finish()


# --- Suspects ---


def busy_nodes(*, suspects: int = 3) -> Nodes:
    """Nodes 0 and 1 have two slices each, of very many; others have become suspects on one that is lost."""
    nodes = Nodes(Slices(10**9))
    for node, sandboxes in ((0, 2), (1, 2), (2, suspects)):
        nodes.join(node, sandboxes)
        nodes.hand_out(node)
    assert nodes.lose(2) is None
    return nodes


SUSPECTS = {4, 5, 6}
"""In ``busy_nodes``."""


def test_suspects_run_without_others_and_no_more_than_there_are_sandboxes():
    nodes = busy_nodes()
    nodes.join(3, 2)
    assert len(SUSPECTS.intersection(nodes.hand_out(3))) == 2
    nodes.answer(3, next(iter(nodes.at[3])))
    assert nodes.hand_out(3) == []  # the other one runs
    nodes.answer_all(3)
    assert len(SUSPECTS.intersection(nodes.hand_out(3))) == 1
    assert nodes.hand_out(3) == []
    nodes.answer_all(3)
    assert nodes.hand_out(3) == [7, 8]


def test_one_node_gets_nothing_until_it_can_take_suspects_while_others_go_on():
    nodes = busy_nodes()
    assert nodes.hand_out(0) == []
    for index in range(7, 100):
        nodes.answer(1, next(iter(nodes.at[1])))
        assert nodes.hand_out(1) == [index]
    nodes.answer(0, 0)
    assert nodes.hand_out(0) == []
    nodes.answer(0, 1)
    assert len(SUSPECTS.intersection(nodes.hand_out(0))) == 2


def test_a_node_without_slices_takes_suspects_at_once_and_the_one_that_waited_for_them_goes_on():
    nodes = busy_nodes()
    nodes.answer(0, 0)
    assert nodes.hand_out(0) == []
    nodes.join(3, 4)
    assert set(nodes.hand_out(3)) == SUSPECTS
    assert nodes.hand_out(0) == [7]


@pytest.mark.parametrize("blameless", [True, False])
def test_when_the_node_that_waits_for_suspects_is_lost_another_one_does(blameless):
    nodes = busy_nodes()
    nodes.answer(0, 0)
    assert nodes.hand_out(0) == []
    failed = nodes.lose(0, blameless=blameless)
    assert failed == (None if blameless else 1)
    assert nodes.hand_out(1) == []
    nodes.answer_all(1)
    assert len(SUSPECTS.intersection(nodes.hand_out(1))) == 2


def test_suspects_of_a_node_that_is_lost_run_one_at_a_time():
    nodes = busy_nodes()
    nodes.join(3, 3)
    assert set(nodes.hand_out(3)) == SUSPECTS
    assert nodes.lose(3) is None
    nodes.join(4, 3)
    for _ in SUSPECTS:
        assert len(SUSPECTS.intersection(nodes.hand_out(4))) == 1
        nodes.answer_all(4)
    assert len(nodes.hand_out(4)) == 3


def test_suspects_that_cannot_be_sent_any_more_do_not_keep_a_node():
    nodes = busy_nodes()
    nodes.join(3, 3)
    assert nodes.hand_out(3, lambda work: False) == []
    assert nodes.hand_out(3) == [7, 8, 9]


@pytest.mark.parametrize("seed", range(20))
def test_suspects_do_not_wait_for_ever_while_nodes_are_busy_and_come_and_go(seed):
    """One slice ends at a time, and nodes are lost, the one that waits for suspects too, but the last."""
    chance = random.Random(seed)
    nodes = busy_nodes(suspects=20)
    suspects = set(range(4, 24))
    steps = Counter[str]()
    while suspects:
        steps["all"] += 1
        assert steps["all"] < 1000
        node = chance.choice(list(nodes.at))
        if chance.random() < 0.1 and len(nodes.at) > 1:
            assert nodes.lose(node, blameless=True) is None
        elif chance.random() < 0.1 and len(nodes.at) < 3:
            nodes.join(100 + steps["all"], chance.randrange(1, 4))
        elif nodes.at[node]:
            index = chance.choice(list(nodes.at[node]))
            nodes.answer(node, index)
            suspects.discard(index)
        for each in nodes.at:
            nodes.hand_out(each)


# --- Anything after anything ---


class Machines(RuleBasedStateMachine):
    """Nodes and slices in any order of events."""

    @initialize(count=st.integers(0, 30), retries=st.integers(0, 2), said=st.none() | st.integers(0, 40))
    def begin(self, count: int, retries: int, said: int | None) -> None:
        self.source = Slices(count, total=said, size=dispatcher.MOST_BYTES // 5)
        self.retries = retries
        self.nodes = Nodes(self.source, retries)
        self.cancelled = False
        self.joined = 0

    def has_work(self) -> bool:
        return any(self.nodes.at.values())

    def any_node(self, data: st.DataObject, *, with_work: bool = False) -> int:
        return data.draw(st.sampled_from([node for node, there in self.nodes.at.items() if there or not with_work]))

    @precondition(lambda self: len(self.nodes.at) < 4)
    @rule(sandboxes=st.integers(1, 4))
    def join(self, sandboxes: int) -> None:
        self.joined += 1
        self.nodes.join(self.joined, sandboxes)

    @precondition(lambda self: self.nodes.at and not self.cancelled)
    @rule(data=st.data(), unsendable=st.sets(st.integers(0, 30), max_size=2))
    def hand_out(self, data: st.DataObject, unsendable: set[int]) -> None:
        node = self.any_node(data)
        before = sum(work.size for work in self.nodes.at[node].values())
        given = self.nodes.hand_out(node, lambda work: work.index not in unsendable)
        assert not given or before < dispatcher.MOST_BYTES

    @precondition(lambda self: self.has_work() and not self.cancelled)
    @rule(data=st.data(), failed=st.booleans())
    def answer(self, data: st.DataObject, failed: bool) -> None:
        node = self.any_node(data, with_work=True)
        work = data.draw(st.sampled_from(list(self.nodes.at[node].values())))
        self.nodes.answer(node, work.index, failed=failed)
        assert work.state is (SliceState.FAILED if failed else SliceState.ANSWERED)

    @precondition(lambda self: self.nodes.at)
    @rule(data=st.data(), seconds=st.sampled_from([0.0, 1e-9, 0.01, 1.0, 1e6]))
    def measure(self, data: st.DataObject, seconds: float) -> None:
        self.nodes.dispatcher.measure(self.any_node(data), seconds)

    @precondition(lambda self: self.nodes.at and not self.cancelled)
    @rule(data=st.data(), blameless=st.booleans())
    def lose(self, data: st.DataObject, blameless: bool) -> None:
        node = self.any_node(data)
        there = list(self.nodes.at[node].values())
        failed = self.nodes.lose(node, blameless=blameless)
        is_over = len(there) == 1 and not blameless and there[0].deaths > self.retries
        assert failed == (there[0].index if is_over else None)

    @precondition(lambda self: not self.cancelled)
    @rule(is_open=st.booleans())
    def have_something(self, is_open: bool) -> None:
        self.source.is_open = is_open

    @precondition(lambda self: not self.cancelled)
    @rule(really=st.integers(0, 9))
    def cancel(self, really: int) -> None:
        if really == 0:
            self.nodes.dispatcher.cancel()
            self.cancelled = True
            assert self.nodes.dispatcher.done
            assert all(work.ends == 1 for work in self.source.taken)

    @invariant()
    def each_slice_has_ended_once_or_can_still_end(self) -> None:
        if not hasattr(self, "nodes") or self.cancelled:
            return
        taken = self.source.taken
        there = [work for node in self.nodes.at.values() for work in node.values()]
        assert all(work.ends == (work.state in ENDS) for work in taken)
        assert all(work.state is SliceState.SENT for work in there)
        assert sum(work.state is SliceState.SENT for work in taken) == len(there)
        assert all(work.deaths <= self.retries + 3 for work in taken)
        assert self.nodes.dispatcher.distributed == len(taken)

    @invariant()
    def it_is_done_when_all_have_ended_and_no_more_come(self) -> None:
        if not hasattr(self, "nodes") or self.cancelled:
            return
        done = self.nodes.dispatcher.done
        all_have_ended = all(work.ends for work in self.source.taken)
        assert done is (all_have_ended and len(self.source.taken) == self.source.count and self.source.exhausted)

    @invariant()
    def suspects_are_among_themselves(self) -> None:
        if not hasattr(self, "nodes"):
            return
        for node, there in self.nodes.at.items():
            suspects = [work for work in there.values() if work.deaths > self.retries]
            assert not suspects or len(suspects) == len(there) <= self.nodes.sandboxes[node]
            assert all(len(there) == 1 for work in suspects if work.deaths > self.retries + 1)

    def teardown(self) -> None:
        """From here on all goes well: the job ends, with every slice ended once."""
        if not hasattr(self, "nodes") or self.cancelled:
            return
        self.source.is_open = True
        self.nodes.join(0, 2)
        self.nodes.finish()
        assert [work.ends for work in self.source.taken] == [1] * self.source.count


Machines.TestCase.settings = settings(max_examples=100, stateful_step_count=50)
TestMachines = Machines.TestCase


# --- How well nodes are used, by a clock that is not real: the network takes 20 ms, replies wait for one another ---


def simulated(
    nodes: list[Node], count: int, seconds: float | Callable[[int], float], *, known: bool = True, latency: float = 0.02
) -> Cluster:
    of_slice = seconds if callable(seconds) else lambda index: seconds
    cluster = Cluster(nodes, Source(count, known=known), of_slice, latency)
    cluster.run()
    return cluster


def varied(middle: float) -> Callable[[int], float]:
    """Some slices take a few times longer than others."""
    chance = random.Random(1)
    times = [middle * chance.lognormvariate(0, 0.5) for _ in range(1000)]
    return lambda index: times[index % 1000]


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("seconds", [0.01, varied(0.01)], ids=["equal", "varied"])
@pytest.mark.parametrize("sandboxes", [1, 8, 64])
def test_slices_of_10_ms_keep_all_sandboxes_busy(sandboxes, seconds, known):
    nodes = [Node(sandboxes), Node(sandboxes)]
    cluster = simulated(nodes, 2 * sandboxes * 1000, seconds, known=known)
    assert cluster.utilisation() >= 0.97
    assert cluster.spread < (0.1 if known else 0.3)
    rate = sandboxes / (0.01 if seconds == 0.01 else 0.0112)
    for node in nodes:
        assert node.most < sandboxes + 2.6 * dispatcher.BATCH_SECONDS * rate
        assert 0.15 < cluster.end / node.batches < 0.3
        assert cluster.end / node.replies > 0.04


@pytest.mark.parametrize("sandboxes", [1, 8])
@pytest.mark.parametrize(("seconds", "least"), [(0.1, 0.97), (1.0, 0.97), (10.0, 0.99)])
def test_longer_slices_do_too(seconds, least, sandboxes):
    nodes = [Node(sandboxes) for _ in range(4)]
    assert simulated(nodes, 400 * sandboxes, seconds).utilisation() >= least


def test_long_slices_do_not_wait_at_one_node_while_another_has_room():
    nodes = [Node(4), Node(4, joins=1.0)]
    cluster = simulated(nodes, 8, 60.0)
    assert cluster.end < 62
    assert [node.most for node in nodes] == [4, 4]


@pytest.mark.parametrize(("seconds", "least"), [(20e-6, 0.6), (80e-6, 0.9)])
def test_trivial_slices_come_in_thousands(seconds, least):
    """At first nobody knows that they are trivial: of the second that they take, that is a good part."""
    nodes = [Node(2), Node(2)]
    cluster = simulated(nodes, 200_000, seconds, known=False)
    assert cluster.utilisation() > least
    assert sum(node.batches for node in nodes) < 100


@pytest.mark.parametrize("known", [True, False])
def test_fast_and_slow_nodes_end_together(known):
    speeds = (0.1, 0.5, 1.0, 2.0)
    nodes = [Node(8, speed) for speed in speeds]
    cluster = simulated(nodes, 30_000, varied(0.01), known=known)
    assert cluster.utilisation() >= 0.97
    assert cluster.spread < (0.2 if known else 0.4)
    parts = [node.busy * node.speed / sum(node.busy * node.speed for node in nodes) for node in nodes]
    assert parts == pytest.approx([speed / sum(speeds) for speed in speeds], rel=0.05)


def test_a_node_that_comes_late_gets_its_part():
    nodes = [Node(8), Node(8, joins=3.0)]
    cluster = simulated(nodes, 8000, 0.01)
    assert cluster.utilisation() >= 0.95
    assert cluster.spread < 0.1


def test_a_few_long_slices_among_short_ones_hold_up_only_their_sandboxes():
    nodes = [Node(8) for _ in range(4)]
    cluster = simulated(nodes, 30_000, lambda index: 2.0 if index % 100 == 0 else 0.01)
    assert cluster.utilisation() >= 0.94
    assert cluster.spread < 2.0


def test_a_network_that_takes_60_ms_costs_little():
    cluster = simulated([Node(8) for _ in range(4)], 30_000, varied(0.01), latency=0.06)
    assert cluster.utilisation() >= 0.9


def test_speeds_that_change_are_followed():
    """From 2 ms to 50 ms and back: what waits at nodes is little again soon, and much again soon."""
    nodes = [Node(8) for _ in range(2)]
    cluster = simulated(nodes, 35_000, lambda index: 0.05 if 15_000 < index < 20_000 else 0.002, known=False)
    assert cluster.utilisation() > 0.9
    assert cluster.spread < 0.5
