"""A simulated deployment that is there at once, for tests that each want one of their own."""

import pickle

from carrel.simulators.coder.peopling.population import Population
from carrel.simulators.coder.simulator import Beginning, Simulator

_lived: dict[str, bytes] = {}


class Deployment(Simulator):
    """A simulator whose history is lived once in a process, and copied for whoever asks again."""

    def _begun(self, wanted: Population) -> Beginning:
        key = repr(wanted)
        if key not in _lived:
            _lived[key] = pickle.dumps(super()._begun(wanted))
        beginning: Beginning = pickle.loads(_lived[key])  # noqa: S301 - we wrote it
        return beginning
