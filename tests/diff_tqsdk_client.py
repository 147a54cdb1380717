"""Run by a Python that has tqsdk, in a process of its own: log in, subscribe, trade, be refused, cancel; print JSON."""

import json
import sys
import time

from tqsdk import TqAccount, TqApi, TqAuth

SYMBOL = "SHFE.au2702"


def wait(api: TqApi, condition) -> None:
    deadline = time.time() + 20
    while not condition():
        if not api.wait_update(deadline=deadline):
            raise TimeoutError("the venue did not answer in 20 s")


def ended(api: TqApi, **order) -> dict:
    placed = api.insert_order(SYMBOL, offset="OPEN", **order)
    wait(api, lambda: placed.status == "FINISHED")
    trades = [trade.price for trade in placed.trade_records.values()]
    return {"left": placed.volume_left, "message": placed.last_msg, "trades": trades}


def main(td_url: str) -> None:
    user, password = sys.argv[2:4]
    api = TqApi(TqAccount("sim", user, password, td_url=td_url), auth=TqAuth("standin", "standin"), _stock=False)
    quote, position, account = api.get_quote(SYMBOL), api.get_position(SYMBOL), api.get_account()
    wait(api, lambda: quote.datetime != "" and quote.ask_volume1 > 0)
    result = {"quote": [quote.bid_price1, quote.bid_volume1, quote.ask_price1, quote.ask_volume1]}
    result["filled"] = ended(api, direction="BUY", volume=2, limit_price=620.0)
    wait(api, lambda: position.pos_long == 2)
    result["partial"] = ended(api, direction="BUY", volume=9, limit_price=620.0, advanced="FAK")
    result["refused"] = ended(api, direction="BUY", volume=101, limit_price=620.0)
    resting = api.insert_order(SYMBOL, direction="BUY", offset="OPEN", volume=3, limit_price=600.0)
    wait(api, lambda: resting.status == "ALIVE" and resting.exchange_order_id != "")
    api.cancel_order(resting)
    wait(api, lambda: resting.status == "FINISHED")
    result["cancelled"] = {"left": resting.volume_left, "message": resting.last_msg}
    wait(api, lambda: position.pos_long == 7 and account.margin > 0)
    result["position"], result["balance"], result["margin"] = position.pos_long, account.balance, account.margin
    print("RESULT " + json.dumps(result))
    api.close()


if __name__ == "__main__":
    main(sys.argv[1])
