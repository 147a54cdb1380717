"""Money in transit between accounts of a pool: said by a person, counted nowhere, proposed and never made."""

import orjson
import pytest

from desk.cli import main
from desk.control_requests import DONE, REFUSED, WRONG, answer
from desk.transfer_request import amount_micros
from engine import records
from engine.proposals import proposal_for
from engine.records import SOFT, WARN
from tests.pools_world import CN, MILLION, US, balance, capital_of, config_of, held_position, told
from tests.world import MS, World

CN2 = 2
DAY_MS = 86_400_000


def asked(world: World, sender: str, receiver: str, amount: str, arrived: bool = False) -> dict:
    fields = {"sender": sender, "receiver": receiver, "amount": amount, "arrived": arrived, "why": "a test"}
    return answer(world.loop, orjson.dumps({"command": "transfer", **fields}), "ann", world.now_ns)


def three_accounts(**named) -> World:
    world = World(config_of(accounts=({"id": "cn2"},), **named))
    for account in (CN, US, CN2):
        balance(world, account, 10 * MILLION)
    world.market(6.0)
    return world


def there(world: World) -> int:
    """The money of the two domestic accounts and what is on its way between them."""
    rows = [world.state.account[at] for at in (CN, CN2)]
    return sum(int(row["capital_micros"] + row["transit_micros"]) for row in rows)


def test_money_in_transit_counts_neither_where_it_was_nor_where_it_goes():
    world = three_accounts(capital=25e6)
    before = there(world)
    assert asked(world, "cn", "cn2", "4,000,000.00")["result"] == DONE
    world.step(300)
    assert [int(row["capital_micros"]) for row in world.state.account] == [6 * MILLION, 10 * MILLION, 10 * MILLION]
    assert int(world.state.account[CN2]["transit_micros"]) == int(world.state.pool[0]["transit_micros"]) == 4 * MILLION
    assert there(world) == before
    balance(world, CN, 6 * MILLION)  # its venue has paid it out
    assert there(world) == before
    pool = capital_of(world)
    assert (pool["capital_micros"], pool["transit_micros"]) == (25 * MILLION, 4 * MILLION)
    assert capital_of(world, CN2)["transit_micros"] == 4 * MILLION
    assert asked(world, "cn", "cn2", "4000000", arrived=True)["result"] == DONE
    balance(world, CN2, 14 * MILLION)
    assert there(world) == before
    world.step(300)
    assert capital_of(world)["transit_micros"] == int(world.state.account[CN2]["transit_micros"]) == 0
    world.check()


def test_the_next_snapshot_of_the_sender_says_what_is_there():
    world = three_accounts()
    asked(world, "cn", "cn2", "4000000")
    balance(world, CN, 7 * MILLION)
    assert int(world.state.account[CN]["capital_micros"]) == 7 * MILLION
    world.check()


def test_between_currencies_the_amount_is_the_receivers_and_the_sender_gives_what_that_is_worth():
    world = three_accounts()
    asked(world, "us", "cn", "689,610")  # at 6.8961
    assert int(world.state.account[US]["capital_micros"]) == 10 * MILLION - 100_000 * 10**6
    asked(world, "cn", "us", "1000")
    assert 10 * MILLION - int(world.state.account[CN]["capital_micros"]) == pytest.approx(6_896_100_000, abs=2)
    assert int(world.state.pool[0]["transit_micros"]) == pytest.approx(696_506_100_000, abs=2)
    world.check()


def test_a_pools_use_is_of_what_is_not_in_transit():
    world = held_position()
    use = int(world.loop.core.hot.pool_use(world.state.address, 0))
    world = held_position(capital=use / 1e6 / 0.60, accounts=({"id": "cn2"},), cooldown_ms=600_000)
    assert int(world.state.pool[0]["level"]) == 1
    asked(world, "us", "cn2", str(round(use / 1e6 / 0.60 * 0.2)))
    world.step(10)
    assert int(world.state.pool[0]["level"]) == WARN  # 0.60 of 0.80
    world.check()


def test_what_is_in_transit_is_not_shared_out():
    world = three_accounts(capital=25e6, pool={"policy": "pro_rata"})
    asked(world, "cn", "cn2", "4000000")
    world.step(300)
    assert int(world.state.strategy[0]["allocated_micros"]) == 21 * MILLION
    world.check()


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        (("cn", "cn", "1"), "stays in cn"),
        (("cn", "far", "1"), "do not share a pool"),
        (("cn", "cn2", "0"), "above 0"),
        (("cn", "cn2", "1", True), "nothing is in transit from cn to cn2"),
        (("cn", "cn2", "999999999999"), "more money than can be counted"),
    ],
)
def test_what_cannot_be_is_refused_in_words_and_changes_nothing(request_, said):
    config = config_of(accounts=({"id": "cn2"}, {"id": "far", "pool": "other"}))
    config.pools.append(type(config.pools[0])(id="other", capital=1.0))
    world = World(config)
    world.market(6.0)
    before, seq = world.state.snapshot(), world.journal.next_seq
    found = asked(world, *request_)
    assert found["result"] == REFUSED and said in found["said"]
    assert (world.state.snapshot(), world.journal.next_seq) == (before, seq)


def test_without_a_rate_a_transfer_between_currencies_waits_for_one():
    world = World(config_of())
    found = asked(world, "us", "cn", "1000")
    assert found["result"] == REFUSED and "rate" in found["said"]
    world.market(6.0)
    assert asked(world, "us", "cn", "1000")["result"] == DONE
    world.check()


def test_what_arrives_is_one_of_the_sums_that_are_under_way():
    world = three_accounts()
    for amount in ("1000", "2000.50"):
        asked(world, "cn", "cn2", amount)
    found = asked(world, "cn", "cn2", "1999", arrived=True)
    assert found["result"] == REFUSED and "1,000.00, 2,000.50" in found["said"]
    assert asked(world, "cn", "cn2", "2,000.5", arrived=True)["result"] == DONE
    assert int(world.state.account[CN2]["transit_micros"]) == 1_000_000_000
    world.check()


@pytest.mark.parametrize("amount", ["", "-5", "1e6", "12.3456789", "nan", "ten", "1" * 13])
def test_an_amount_that_is_none_is_not_understood(amount):
    assert asked(World(config_of()), "us", "cn", amount)["result"] == WRONG


def test_an_amount_is_exact():
    assert amount_micros("1,234,567.89") == 1_234_567_890_000
    assert amount_micros("0.000001") == 1


def test_an_unknown_account_is_not_understood_and_the_nearest_named():
    found = asked(World(config_of()), "uss", "cn", "5")
    assert found["result"] == WRONG and "nearest: us" in found["said"]


def test_a_transit_of_more_than_a_day_is_told_once():
    world = three_accounts()
    asked(world, "cn", "cn2", "1000")
    world.now_ns += (DAY_MS - 1000) * MS
    world.step(500, 500)
    assert told(world, "transit_late") == []
    world.step(2000, 500)
    assert len(told(world, "transit_late")) == 1
    world.check()


def test_a_transit_outlives_a_restart():
    world = three_accounts()
    asked(world, "cn", "cn2", "1000")
    verdict, loop = world.replayed()
    assert verdict.identical and loop.core.transits == world.loop.core.transits
    world.start(2)
    assert asked(world, "cn", "cn2", "1000", arrived=True)["result"] == DONE
    world.check()


def test_the_command_line_sends_what_was_meant(tmp_path, capsys):
    assert main(["transfer", str(tmp_path), "us", "cn", "5", "--why", "x"]) == 2  # no engine there
    assert "no engine is running" in capsys.readouterr().err


def test_the_status_of_an_engine_names_what_is_in_transit():
    world = three_accounts()
    asked(world, "cn", "cn2", "1000.50")
    status = answer(world.loop, b'{"command": "status"}', "ann", world.now_ns)
    assert status["transits"] == ["1,000.50 from cn to cn2"]


# proposals


def needy(cn2_micros: int = 10 * MILLION, pct: float = 86, **named) -> World:
    """The domestic account that holds the position is over its soft level; the New York one is full too."""
    world = held_position(accounts=({"id": "cn2"},), cooldown_ms=600_000, **named)
    balance(world, CN2, cn2_micros)
    balance(world, CN, round(int(world.state.account[CN]["used_micros"]) * 100 / pct))
    balance(world, US, round(int(world.state.account[US]["used_micros"]) * 100 / 72))
    world.market(6.5)
    world.step(300)
    assert int(world.state.account[CN]["level"]) == SOFT
    return world


def test_a_proposal_brings_the_needy_account_just_under_its_warn_level_and_is_told_once():
    world = needy()
    (alert,) = told(world, "transfer_proposed")
    numbers = alert["numbers"]
    assert (numbers["sender"], numbers["receiver"]) == ("cn2", "cn")
    use, capital = (int(world.state.account[CN][name]) for name in ("used_micros", "capital_micros"))
    after = capital + numbers["received_micros"]
    assert use * 10_000 / after < 7000 <= use * 10_000 / (after - 2_000_000)
    world.step(2000)
    assert len(told(world, "transfer_proposed")) == 1
    assert world.of_kind(records.COMMAND) == []  # nothing is sent by itself
    world.check()


def test_a_proposal_never_takes_the_giver_over_its_own_warn_level():
    world = needy(cn2_micros=3_000_000)  # three yuan
    (alert,) = told(world, "transfer_proposed")
    assert alert["numbers"]["received_micros"] <= 3_000_000
    assert "all that the other can spare" in alert["what"]
    world = needy(cn2_micros=0)
    assert told(world, "transfer_proposed") == []


def test_a_proposal_names_the_amount_in_both_currencies():
    world = needy(cn2_micros=0)
    balance(world, US, 10 * MILLION)
    world.market(6.5)
    world.step(300)
    (alert,) = told(world, "transfer_proposed")
    numbers = alert["numbers"]
    assert numbers["sender"] == "us" and "USD" in alert["what"] and "CNY" in alert["what"]
    assert numbers["received_micros"] == pytest.approx(numbers["sent_micros"] * 6.8961, rel=1e-6)
    world.check()


def test_what_is_on_its_way_is_not_proposed_again_and_a_new_need_is():
    world = needy()
    (alert,) = told(world, "transfer_proposed")
    assert asked(world, "cn2", "cn", str(alert["numbers"]["received_micros"] // 10**6))["result"] == DONE
    assert proposal_for(world.loop.core, CN) is None
    world.market(6.5)
    world.step(300)
    assert len(told(world, "transfer_proposed")) == 1
    balance(world, CN, round(int(world.state.account[CN]["used_micros"]) * 100 / 89))
    world.market(6.5)
    world.step(300)
    assert len(told(world, "transfer_proposed")) == 2
    world.check()


def test_money_that_is_not_free_cannot_have_been_sent():
    world = three_accounts(capital=25e6)
    refused = asked(world, "cn", "cn2", "99,999,999.00")
    assert refused["result"] == REFUSED and "10,000,000.00 free" in refused["said"]
    assert [int(row["capital_micros"]) for row in world.state.account] == [10 * MILLION] * 3
    assert asked(world, "cn", "cn2", "10,000,000.00")["result"] == DONE
