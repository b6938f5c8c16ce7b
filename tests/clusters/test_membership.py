"""Which nodes of a cluster get evaluators, and what each asks Ray for."""

from __future__ import annotations

import time

import pytest

import dcp_evaluator as dcp
from dcp_evaluator.clusters.membership import Membership, Needs, Place
from dcp_evaluator.clusters.nodes import Node

pytestmark = pytest.mark.any_engine


def node(name: str = "a", cpus: float = 4.0, gpus: float = 0.0) -> Node:
    return Node(name, f"host-{name}", "127.0.0.1", cpus, gpus)


def asked(needs: Needs, *nodes: Node) -> list[tuple[str, int, float, float]]:
    """Node, sandboxes, CPUs and GPUs of each evaluator."""
    membership = Membership(needs)
    places = list(membership.places(nodes, 0.0))
    assert {place.node for place in places} == set(filter(membership.suits, nodes))
    return [(place.node.id, place.sandboxes, place.cpus, place.gpus) for place in places]


# --- What evaluators ask for ---


def test_an_evaluator_has_all_cpus_of_its_node():
    assert asked(Needs(), node("a", 4), node("b", 2.5)) == [("a", 4, 4, 0), ("b", 2, 2, 0)]


@pytest.mark.parametrize(("sandboxes", "cpus"), [(1, 1), (4, 4), (16, 4)])
def test_more_sandboxes_than_cpus_ask_for_the_cpus_that_there_are(sandboxes, cpus):
    assert asked(Needs(sandboxes), node(cpus=4)) == [("a", sandboxes, cpus, 0)]


def test_a_node_with_half_a_cpu_is_used_where_sandboxes_are_asked_for():
    assert asked(Needs(), node(cpus=0.5)) == []
    assert asked(Needs(2), node(cpus=0.5)) == [("a", 2, 0.5, 0)]


@pytest.mark.parametrize("needs", [Needs(), Needs(4)])
def test_a_node_without_cpus_for_ray_is_not_used(needs):
    assert asked(needs, node(cpus=0)) == []


@pytest.mark.parametrize("gpus", [1, 0.5, None])
def test_without_gpus_a_node_does_not_do_where_they_are_asked_for(gpus):
    assert asked(Needs(gpus=gpus), node(cpus=4)) == []


def test_all_gpus_of_a_node_go_to_one_evaluator_unless_a_number_is_asked_for():
    assert asked(Needs(gpus=None), node(cpus=8, gpus=4)) == [("a", 8, 8, 4)]
    assert asked(Needs(gpus=2), node(cpus=8, gpus=4)) == [("a", 4, 4, 2)] * 2


@pytest.mark.parametrize(("gpus", "node_gpus", "count"), [(1, 4, 4), (3, 8, 2), (8, 4, 0), (2, 1, 0)])
def test_a_node_has_as_many_evaluators_as_it_has_gpus_for(gpus, node_gpus, count):
    assert len(asked(Needs(gpus=gpus), node(cpus=16, gpus=node_gpus))) == count


@pytest.mark.parametrize(("part", "each"), [(0.5, 2), (0.25, 4), (0.3, 3), (0.6, 1), (0.1, 10), (1 / 3, 3), (0.07, 14)])
def test_parts_of_a_gpu_are_parts_of_one(part, each):
    """Ray would not find a seventh place for 0.6 in four GPUs, nor a fifth."""
    assert len(asked(Needs(gpus=part), node(cpus=64, gpus=4))) == 4 * each


def test_cpus_are_divided_among_evaluators():
    assert asked(Needs(gpus=1), node(cpus=6, gpus=4)) == [("a", 1, 1, 1)] * 4
    assert asked(Needs(gpus=1), node(cpus=2, gpus=4)) == [("a", 1, 0.5, 1)] * 4
    assert asked(Needs(3, gpus=1), node(cpus=8, gpus=4)) == [("a", 3, 2, 1)] * 4


@pytest.mark.parametrize("needs", [Needs(gpus=1), Needs(5, gpus=1), Needs(gpus=1 / 3), Needs(gpus=0.00001)])
def test_parts_are_no_finer_than_ray_takes_them(needs):
    for _, _, cpus, gpus in asked(needs, node(cpus=1, gpus=3))[:5]:
        for part in (cpus, gpus):
            assert part > 0
            assert round(part, 4) == part


@pytest.mark.parametrize("gpus", [-1, 1.5, float("nan"), float("inf"), "1", True])
def test_a_number_of_gpus_that_no_evaluator_can_have_is_refused(gpus):
    job = dcp.compute_for([1], "x => x")
    with pytest.raises(ValueError, match="gpus must be a number of GPUs, a part of one"):
        job.cluster_exec(gpus=gpus)


def test_gpus_do_without_cpus_where_sandboxes_are_asked_for():
    assert asked(Needs(gpus=1), node(cpus=0, gpus=1)) == []
    assert asked(Needs(2, gpus=1), node(cpus=0, gpus=1)) == [("a", 2, 0, 1)]


# --- How many nodes, and when ---


class Cluster:
    """``nodes``: those that live; ``now``: its clock."""

    def __init__(self, needs: Needs, *nodes: Node) -> None:
        self.membership = Membership(needs)
        self.nodes = list(nodes)
        self.now = 0.0

    def look(self) -> list[Place]:
        return list(self.membership.places(self.nodes, self.now))

    def names(self) -> list[str]:
        return [place.node.id for place in self.look()]

    def end(self, place: Place, *, useful: bool = False) -> bool:
        return self.membership.ended(place, self.now, "it died", useful=useful)


def test_each_node_is_used_once_and_those_that_come_later_too():
    cluster = Cluster(Needs(), node("a"), node("b"))
    assert cluster.names() == ["a", "b"]
    assert cluster.names() == []
    cluster.nodes.append(node("c"))
    assert cluster.names() == ["c"]


def test_no_more_nodes_than_asked_for_are_used_and_another_one_when_one_goes():
    cluster = Cluster(Needs(most=2), *map(node, "abcd"))
    first, _ = places = cluster.look()
    assert [place.node.id for place in places] == ["a", "b"]
    assert cluster.look() == []
    del cluster.nodes[0]
    cluster.end(first, useful=True)
    assert cluster.names() == ["c"]
    assert cluster.names() == []


def test_of_a_node_in_use_all_places_are_used_though_no_more_nodes_may_be():
    cluster = Cluster(Needs(gpus=1, most=1), node("a", 8, 4), node("b", 8, 4))
    places = cluster.look()
    assert [place.node.id for place in places] == ["a"] * 4
    cluster.end(places[0], useful=True)
    cluster.now += 1
    assert cluster.names() == ["a"]


def test_a_node_that_is_paused_gives_its_turn_to_another_one():
    cluster = Cluster(Needs(most=1), node("a"), node("b"))
    (place,) = cluster.look()
    cluster.end(place, useful=True)
    assert cluster.names() == ["b"]
    cluster.now += 100
    assert cluster.names() == []


def test_an_evaluator_that_did_something_starts_again_after_a_pause_however_often():
    cluster = Cluster(Needs(), node())
    for _ in range(50):
        (place,) = cluster.look()
        assert not cluster.end(place, useful=True)
        cluster.now += 0.4
        assert cluster.look() == []
        cluster.now += 0.2


def test_a_node_that_fails_three_times_in_a_row_is_left_out():
    cluster = Cluster(Needs(), node())
    for pause in (1.0, 2.0):
        (place,) = cluster.look()
        assert not cluster.end(place)
        cluster.now += 0.9 * pause
        assert cluster.look() == []
        cluster.now += 0.2 * pause
    (place,) = cluster.look()
    assert cluster.end(place)
    cluster.now += 1000
    assert cluster.look() == []
    assert not cluster.membership.suits(node())
    assert cluster.membership.left_out == [("host-a (a)", "it died")]


def test_something_that_was_done_makes_up_for_failures():
    cluster = Cluster(Needs(), node())
    for useful in (False, False, True, False, False, True):
        (place,) = cluster.look()
        assert not cluster.end(place, useful=useful)
        cluster.now += 10


def test_all_evaluators_of_a_node_that_end_at_once_are_one_failure():
    cluster = Cluster(Needs(gpus=1), node(cpus=8, gpus=8))
    for _ in range(2):
        places = cluster.look()
        assert len(places) == 8
        assert [cluster.end(place) for place in places] == [False] * 8
        cluster.now += 10
    assert cluster.end(cluster.look()[0])


def test_a_node_that_cannot_do_the_job_is_left_out_at_once():
    cluster = Cluster(Needs(), node("a"), node("b"))
    first, _ = cluster.look()
    cluster.membership.leave_out(first, "no sandboxes there")
    cluster.now += 1000
    assert cluster.look() == []
    assert [each for each in cluster.nodes if cluster.membership.suits(each)] == [node("b")]
    assert cluster.membership.left_out == [("host-a (a)", "no sandboxes there")]


def test_a_node_that_comes_again_is_new_to_ray_and_is_used():
    """Ray gives it another id."""
    cluster = Cluster(Needs(), node("a"))
    (place,) = cluster.look()
    cluster.nodes = []
    assert cluster.look() == []
    cluster.end(place)
    cluster.nodes = [node("a2")]
    assert cluster.names() == ["a2"]


def test_a_look_at_a_thousand_nodes_takes_a_thousand_times_as_long_as_at_one():
    """And no million times: it is taken each second."""

    def cost(count: int) -> float:
        cluster = Cluster(Needs(most=count), *(node(str(number)) for number in range(count)))
        assert len(cluster.look()) == count
        begun = time.thread_time()
        for _ in range(10):
            assert cluster.look() == []
        return time.thread_time() - begun

    assert min(cost(4000) for _ in range(3)) < 10 * min(cost(1000) for _ in range(3))
