"""What the real client `tqsdk` asks of the world besides DIFF: a token, a contract file, holidays. Serves only tests.

The client finds it by TQ_AUTH_URL, TQ_INS_URL, TQ_MD_URL, TQ_TD_URL and TQ_CHINESE_HOLIDAY_URL.
"""

import base64
import json

from aiohttp import web

from tests.diff_helpers import CONTRACTS, USER

FAR_S = 4_102_444_800  # 2100


class Standin:
    """The HTTP side; `environment` says where it and the DIFF server are."""

    def __init__(self) -> None:
        self._runner: web.AppRunner | None = None
        self._port = 0

    async def start(self) -> None:
        app = web.Application()
        realm = "/auth/realms/shinnytech"
        app.router.add_post(f"{realm}/protocol/openid-connect/token", self._token)
        app.router.add_get(f"{realm}/rest/get-grant/tq", self._grant)
        app.router.add_get("/instruments.json", self._instruments)
        app.router.add_get("/holidays.json", self._holidays)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self._port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    def environment(self, diff_port: int) -> dict[str, str]:
        http, ws = f"http://127.0.0.1:{self._port}", f"ws://127.0.0.1:{diff_port}"
        return {
            "TQ_AUTH_URL": http,
            "TQ_INS_URL": f"{http}/instruments.json",
            "TQ_CHINESE_HOLIDAY_URL": f"{http}/holidays.json",
            "TQ_MD_URL": f"{ws}/md",
            "TQ_TD_URL": f"{ws}/td",
        }

    async def _token(self, request: web.Request) -> web.Response:
        claims = {"sub": "standin", "exp": FAR_S, "grants": {"features": ["futr"], "accounts": [USER]}}
        token = f"{_base64({'alg': 'HS256', 'typ': 'JWT'})}.{_base64(claims)}.{_base64({})}"
        return web.json_response({"access_token": token, "refresh_token": token})

    async def _grant(self, request: web.Request) -> web.Response:
        return web.json_response({"exp": FAR_S, "daysleft": 9999, "account_type": "FREE"})

    async def _instruments(self, request: web.Request) -> web.Response:
        index = {"class": "INDEX", "instrument_id": "CSI.000300", "price_tick": 0.01, "price_decs": 2}
        table = {"CSI.000300": index | {"volume_multiple": 1, "expired": False}}
        for symbol, instrument in CONTRACTS.items():
            table[symbol] = {
                "class": "FUTURE", "instrument_id": symbol, "exchange_id": instrument.exchange, "expired": False,
                "price_tick": float(instrument.tick), "price_decs": instrument.decimals, "volume_multiple": 1000,
                "expire_datetime": FAR_S, "delivery_year": 2027, "delivery_month": 2, "product_id": "au",
                "max_limit_order_volume": 500, "max_market_order_volume": 500, "margin": 50_000.0, "commission": 10.0,
                "trading_time": {"day": [["09:00:00", "15:00:00"]], "night": [["21:00:00", "26:30:00"]]},
            }  # fmt: skip
        return web.json_response(table)

    async def _holidays(self, request: web.Request) -> web.Response:
        return web.json_response(["2003-01-01", "2027-01-01"])


def _base64(value: dict) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()
