"""The residual ledger: what the deals of a spread leave behind, netted, in millionths of a base unit."""

from engine.core import Core
from engine.records import HALTED, LEDGER, NO_OUTCOME, RESOLVE_ACCEPT


def holds(deal) -> bool:
    """Whether a closed deal's exposure is in the ledger: a Halted one's is not, until a person has accepted it."""
    return deal["outcome"] not in (NO_OUTCOME, HALTED) or deal["resolution"] == RESOLVE_ACCEPT


def book(core: Core, deal, sign: int) -> None:
    """Add a closed deal's exposure to its spread's ledger (sign -1: take it out again, the deal is open anew)."""
    spread = core.state.spread[deal["spread"]]
    change = sign * int(deal["exposure_ubase"])
    if change == 0:
        return
    before = int(spread["residual_ubase"])
    spread["residual_ubase"] = before + change
    bound = int(spread["ledger_bound_ubase"])
    core.emit(
        LEDGER, spread=deal["spread"], deal_id=deal["deal_id"], change_ubase=change, residual_ubase=before + change,
        bound_ubase=bound,
    )  # fmt: skip
    if abs(before) <= bound < abs(before + change):
        core.alert(
            "warn", "residual", f"residual ledger of {core.names['spreads'][deal['spread']]} is over its bound",
            "nothing at once: the engine hedges it when it is worth a lot; if it stays, see what denies that"
            if spread["hedge_leg"] >= 0 else "hedge the residual by hand, or raise the bound", int(deal["deal_id"]),
            residual_ubase=before + change, bound_ubase=bound,
        )  # fmt: skip
