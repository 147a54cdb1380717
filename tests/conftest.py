"""Fixtures that several test files share."""

import pytest

from tests.catalogue_world import Desk


@pytest.fixture
def desk_of():
    """Makes desks; each is checked when its scenario is over."""
    made = []

    def make(*arguments, **named) -> Desk:
        made.append(Desk(*arguments, **named))
        return made[-1]

    yield make
    for desk in made:
        desk.check(*desk.untold)
