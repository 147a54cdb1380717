"""What the tests of pools and levels share: worlds whose money is set by hand, and words about it."""

import msgspec

from engine import records
from engine.ports import AccountReport
from tests.world import World, demo_config

CN, US = 0, 1
BIG = 10**15  # millionths: far more than anything uses
MILLION = 10**12  # a million of a currency, in millionths


def config_of(
    capital: float = 1e9, accounts: tuple[dict, ...] = (), pool: dict | None = None, strategies: tuple[dict, ...] = (),
    **strategy,
):  # fmt: skip
    """The demo's config; more accounts copy the first one, more strategies the one that demo_config makes."""
    config, replace = demo_config(**strategy), msgspec.structs.replace
    return replace(
        config,
        pools=[replace(config.pools[0], capital=capital, **(pool or {}))],
        accounts=[*config.accounts, *(replace(config.accounts[0], **one) for one in accounts)],
        strategies=[config.strategies[0], *(replace(config.strategies[0], **one) for one in strategies)],
    )


def balance(world: World, account: int, micros: int) -> None:
    """The venue's word on an account's money."""
    world.loop.on_account(
        AccountReport(account=account, balance_micros=micros, available_micros=micros, margin_micros=0,
                      recv_ns=world.now_ns)
    )  # fmt: skip


def held_position(**named) -> World:
    """A world with a unit sold: 3 lots short in Shanghai, one long in New York, and nothing pending."""
    world = World(config_of(**({"max_units": 1} | named)))
    world.market(6.0)
    world.step(300)  # a sample: what is shared out is known
    world.market(6.5)
    world.step(300)
    assert world.outcomes() == ["complete"] and not world.loop.core.live_orders
    return world


def told(world: World, code: str) -> list[dict]:
    return [row for row in world.of_kind(records.ALERT) if row["code"] == code]


def capital_of(world: World, account: int = -1):
    """The last CAPITAL record of an account; -1: of the pool."""
    return [row for row in world.of_kind(records.CAPITAL) if row["account"] == account][-1]
