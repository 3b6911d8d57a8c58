"""Names of branches that workspaces get."""

import pytest

from carrel.domain.names import branch_for
from carrel.errors import RefusedError


def test_a_number_is_added_to_what_is_taken():
    taken = {"carrel/ada", "carrel/ada-2"}
    assert branch_for("ada", taken.__contains__) == "carrel/ada-3"


def test_where_nothing_fits_below_the_prefix_it_is_joined_by_a_hyphen():
    taken = {"carrel-ada"}
    assert (
        branch_for("ada", lambda name: name.startswith("carrel/") or name in taken)
        == "carrel-ada-2"
    )


def test_it_ends_when_every_name_is_taken():
    with pytest.raises(RefusedError) as caught:
        branch_for("ada", lambda _: True)
    assert caught.value.code == "branches_taken"
