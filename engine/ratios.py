"""The whole-lot ratios that balance two legs best, each with the residual that it leaves."""

from fractions import Fraction

import msgspec


class Ratio(msgspec.Struct, frozen=True):
    """Lots of two legs against each other. residual: first minus second, in base units, exact.

    share: |residual| as a part of the larger side.
    """

    first_lots: int
    second_lots: int
    residual: Fraction
    share: Fraction


def ratio(first_lots: int, second_lots: int, first_base: Fraction, second_base: Fraction) -> Ratio:
    """The residual of one ratio. `*_base`: base units a lot, times the leg's hedge weight; all positive."""
    first, second = first_lots * first_base, second_lots * second_base
    return Ratio(first_lots, second_lots, first - second, abs(first - second) / max(first, second))


def best_ratios(first_base: Fraction, second_base: Fraction, max_lots: int) -> list[Ratio]:
    """Each ratio that leaves less (as a share) than every smaller one, up to max_lots of the leg with more lots.

    The list ends early at an exact ratio; it is empty where max_lots of the smaller lot are not half of the larger.
    ValueError where a size or max_lots is not positive.
    """
    if first_base <= 0 or second_base <= 0 or max_lots < 1:
        raise ValueError(f"ratios need positive sizes and lots, not {first_base}, {second_base}, {max_lots}")
    best: list[Ratio] = []
    for lots in range(1, max_lots + 1):
        found = _nearest(lots, first_base, second_base)
        if found and (not best or found.share < best[-1].share):
            best.append(found)
        if found and found.share == 0:
            break
    return best


def _nearest(lots: int, first_base: Fraction, second_base: Fraction) -> Ratio | None:
    """`lots` of the leg with the smaller lot, against the nearest number of the other; None where that is zero."""
    first_is_smaller = first_base <= second_base
    other = round(lots * min(first_base, second_base) / max(first_base, second_base))
    if other == 0:
        return None
    pair = (lots, other) if first_is_smaller else (other, lots)
    return ratio(*pair, first_base, second_base)
