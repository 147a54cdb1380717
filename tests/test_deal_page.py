"""`tandem deal` and `tandem deals`: what a person reads of a deal, from its journal alone."""

import pytest
from rich.cells import cell_len

from desk.cli import main
from engine.ports import SELL
from engine.records import (
    CANCEL,
    CLOSED,
    COMMAND,
    COMMAND_RESOLVE,
    HALT_TRIES,
    HALTED,
    HOLD_CIRCUIT,
    HOLD_OFF,
    HOLD_PRICE,
    NO_COST,
    QUERY,
    REHEDGE,
    REPAIR,
    REPAIRING,
    RESOLVE_ACCEPT,
    RESOLVE_RETRY,
)  # fmt: skip
from tests.journal_deals import complete_deal, doubtful_deal, halted_deal, record_into, repaired_deal
from tests.journal_story import MS, Story


def journal_of(tmp_path, *told):
    story = Story()
    for tell in told:
        tell(story)
    return record_into(tmp_path, story.records)


def shown(capsys, *words) -> tuple[int, str]:
    code = main([str(word) for word in words])
    return code, capsys.readouterr().out


def decided(choice: int, why: str):
    """A person's word on deal 1."""

    def tell(story: Story) -> None:
        story.wait(60_000 * MS)
        story.add(COMMAND, code=COMMAND_RESOLVE, choice=choice, scope=1, who=b"ann", why=why.encode())
        if choice == RESOLVE_ACCEPT:
            story.deal(1, CLOSED, HALTED, -3_000_000_000, 3_062 * MS, story.now_ns, (-3, 0), repairs=6,
                       reason=HALT_TRIES, resolution=choice)  # fmt: skip
        else:
            story.deal(1, REPAIRING, exposure=-3_000_000_000, booked=(-3, 0), resolution=choice)

    return tell


def test_a_halted_deal_says_what_it_holds_and_the_exact_commands(tmp_path, capsys):
    journal = journal_of(tmp_path, complete_deal, halted_deal)
    for words in (("deals", journal), ("deal", journal, 2)):
        code, said = shown(capsys, *words)
        assert code == 1
        assert "deal 2 waits for a person: repair tries exhausted" in said
        assert "au1912 −3 lots, GC1912 0 lots" in said
        assert "−3,000 g, 3.06 s so far" in said
        for decision in ("retry", "accept", "by-hand"):
            assert f"tandem resolve {journal} 2 --{decision} --why TEXT" in said
        assert "then gold-cross trades again" in said


def test_an_accepted_deal_waits_no_more_and_says_who_and_why(tmp_path, capsys):
    journal = journal_of(tmp_path, halted_deal, decided(RESOLVE_ACCEPT, "kept as a hedge"))
    code, said = shown(capsys, "deals", journal)
    assert code == 0
    assert "halted: repair tries exhausted; accept by ann" in said
    assert "tandem resolve" not in said
    code, said = shown(capsys, "deal", journal, 1)
    assert code == 0
    assert said.count("ann decides accept: kept as a hedge") == 2
    assert main(["deals", str(journal), "--open"]) == 0


def test_a_deal_tried_again_shows_its_first_end_and_that_it_is_open(tmp_path, capsys):
    journal = journal_of(tmp_path, halted_deal, decided(RESOLVE_RETRY, "the link is back"))
    code, said = shown(capsys, "deal", journal, 1)
    assert code == 1
    ended = said.index("deal ends halted: repair tries exhausted")
    assert ended < said.index("ann decides retry: the link is back")
    assert "\nopen; exposure −3,000 g" in said


def test_a_repair_shows_its_rung_its_price_and_both_costs(tmp_path, capsys):
    _, said = shown(capsys, "deal", journal_of(tmp_path, repaired_deal), 1)
    assert "repair 1: pay up 1 GC1912 at 1530.4 or better (to complete 2,145.60, to unwind 9,400.00)" in said
    assert "repair 2: pay up 1 GC1912 at 1530.8 or better" in said
    assert "verdict: cleared by the gate" in said


def test_waits_for_one_reason_are_one_line(tmp_path, capsys):
    def tell(story: Story) -> None:
        ids = story.decide()
        story.verdict(ids)
        story.deal(1)
        for attempt in range(5):
            story.wait(MS)
            reason = HOLD_CIRCUIT if attempt < 4 else HOLD_PRICE
            story.add(REPAIR, deal_id=1, rung=HOLD_OFF, attempt=1, purpose=REHEDGE, reason=reason,
                      cost_complete_micros=NO_COST, cost_unwind_micros=5_000_000)  # fmt: skip

    _, said = shown(capsys, "deal", journal_of(tmp_path, tell), 1)
    waits = [line for line in said.splitlines() if "hold off" in line]
    assert len(waits) == 2
    assert "because of: circuit open (to complete no price, to unwind 5.00), 4 times until now" in waits[0]
    assert "because of: no price" in waits[1]


def test_doubts_cancels_and_questions_stand_in_the_story(tmp_path, capsys):
    def tell(story: Story) -> None:
        doubtful_deal(story)
        story.add(QUERY, order_no=1 << 32 | 2, deal_id=1, request_no=9)
        story.add(CANCEL, order_no=1 << 32 | 2, deal_id=1, request_no=10)

    _, said = shown(capsys, "deal", journal_of(tmp_path, tell), 1)
    for words in ("in doubt: nobody knows", "known again: cancelled, 0 traded", "cancel sent", "the venue is asked"):
        assert words in said
    assert "cancelled, was in doubt" in said


def test_a_ledger_entry_is_told(tmp_path, capsys):
    _, said = shown(capsys, "deal", journal_of(tmp_path, lambda story: complete_deal(story, SELL)), 1)
    assert "ledger +110.3 g: au-gc holds 110.3 of 400 g allowed" in said


@pytest.mark.parametrize("deal", [complete_deal, repaired_deal, doubtful_deal, halted_deal])
def test_columns_line_up(tmp_path, capsys, deal):
    _, said = shown(capsys, "deal", journal_of(tmp_path, deal), 1)
    for table in ("legs", "orders", "what happened"):
        block = next(part for part in said.split("\n\n") if part.lstrip().startswith(table)).splitlines()
        assert len(block) > 2
        # A gap of two cells runs down the whole table at the same place.
        width = max(map(cell_len, block))
        gaps = [at for at in range(width - 1) if all(line.ljust(width)[at : at + 2] == "  " for line in block)]
        assert gaps


def test_a_deal_that_is_not_there_is_one_line(tmp_path, capsys):
    code, said = shown(capsys, "deal", journal_of(tmp_path, complete_deal), 99)
    assert (code, said.count("\n")) == (2, 1)
