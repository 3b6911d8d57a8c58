from datetime import timedelta

from carrel.simulators.coder.peopling.population import Population
from carrel.simulators.coder.simulator import Simulator
from carrel.testing.deployments import Deployment


def two_days(simulator: Simulator) -> list[tuple[object, ...]]:
    """Let two days pass, and return what happened to whom."""
    simulator.advance(timedelta(days=2))
    world = simulator.world
    builds = [(job.build_id, job.reason, job.created_at, job.status) for job in world.history()]
    links = [(link.link_id, link.opened_at, link.closed_at) for link in world.links]
    deeds = [(deed.at, repr(deed)) for deed in world.deeds]
    return [*builds, *links, *deeds]


def test_copies_live_on_as_one_made_anew_and_apart_from_each_other():
    population = Population(workspaces=40, seed=7)
    told = two_days(Simulator(population))
    assert len(told) > 100
    assert two_days(Deployment(population)) == told
    assert two_days(Deployment(population)) == told
    assert two_days(Deployment(Population(workspaces=40, seed=8))) != told


def test_its_setup_is_that_of_its_own_world():
    one, two = Deployment(), Deployment()
    assert one.population.setup is one.world.setup
    one.world.setup.provisioners = 1
    assert two.world.setup.provisioners != 1
    assert Deployment().world.setup.provisioners == two.world.setup.provisioners
