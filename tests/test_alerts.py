"""Alerts: listed for a person, sent on to commands and webhooks; a hook that fails is reported and holds nothing up."""

import asyncio
import json
import sys
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from desk.alerts import AlertHooks, alerts_in, at_least, forward, main, table_lines
from desk.config import HookSpec
from engine.journal import Journal
from tests.journal_deals import believable_story, halted_deal, record_into
from tests.journal_story import MARKET_T0, Story

ALERT = {
    "level": "warn",
    "code": "pool-soft",
    "what": "资金占用 86 %",
    "do": "wait",
    "numbers": {"use_pct": 86},
    "seq": 7,
}
APPEND = "import sys; open(sys.argv[1], 'ab').write(sys.stdin.buffer.read() + b'\\n')"


def story(*levels: str) -> Story:
    told = Story()
    for number, level in enumerate(levels):
        told.alert(level, f"code-{number}", f"what {number}", "nothing", {"n": number})
    return told


def received(path) -> list[dict]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []


def appending(path, level="warn") -> HookSpec:
    return HookSpec(command=[sys.executable, "-c", APPEND, str(path)], level=level)


@asynccontextmanager
async def webhook(answers: list[int]):
    """A server on a free port that gives these status codes in turn, then 200; yields its url and the bodies it got."""
    bodies = []

    async def take(request: web.Request) -> web.Response:
        bodies.append(await request.json())
        return web.Response(status=answers.pop(0) if answers else 200)

    app = web.Application()
    app.router.add_post("/alert", take)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}/alert", bodies
    finally:
        await runner.cleanup()


def hooks_of(*hooks: HookSpec, **options) -> tuple[AlertHooks, list[str]]:
    complaints = []
    return AlertHooks(list(hooks), pause_s=0.01, complain=complaints.append, **options), complaints


@pytest.mark.parametrize(
    ("level", "least", "told"),
    [("info", "warn", False), ("warn", "warn", True), ("error", "warn", True), ("odd", "error", True)],
)
def test_levels_are_ordered_and_an_unknown_one_is_told(level, least, told):
    assert at_least(level, least) is told


def test_a_level_that_does_not_exist_cannot_be_asked_for():
    with pytest.raises(ValueError, match="'loud' is none of info, warn, error"):
        at_least("warn", "loud")


def test_alerts_are_listed_with_their_market_time(tmp_path, capsys):
    folder = record_into(tmp_path, believable_story(end_with=halted_deal))
    assert main(folder, "warn") == 1
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 4 and lines[0].startswith("time (UTC)")
    assert "2019-09-03 01:20:00.000" in lines[1] and "use_pct=86.4" in lines[1]
    assert "hedge by hand" in lines[3]


def test_columns_stay_aligned_with_chinese_in_them():
    plain, chinese = table_lines([
        {"market_ns": MARKET_T0, "level": "warn", "what": "资金占用", "do": "first"},
        {"market_ns": MARKET_T0, "level": "warn", "what": "capital!", "do": "second"},
    ])[1:]  # fmt: skip
    assert plain.index("first") + 4 == chinese.index("second")


def test_alerts_as_json_are_one_object_a_line(tmp_path, capsys):
    folder = record_into(tmp_path, story("info", "warn").records)
    assert main(folder, as_json=True) == 0
    alerts = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [alert["code"] for alert in alerts] == ["code-0", "code-1"]
    assert alerts[1]["numbers"] == {"n": 1} and alerts[1]["engine"] == "gold"


def test_a_level_asked_for_wrongly_is_exit_code_2(tmp_path, capsys):
    folder = record_into(tmp_path, story("warn").records)
    assert main(folder, "loud") == 2
    assert "'loud' is none of" in capsys.readouterr().err


def test_a_command_gets_the_alert_on_its_stdin(tmp_path):
    hooks, complaints = hooks_of(appending(tmp_path / "told"))
    asyncio.run(hooks.send(ALERT))
    assert received(tmp_path / "told") == [ALERT] and not complaints and hooks.sent == 1


def test_a_hook_is_not_told_what_is_below_its_level(tmp_path):
    hooks, _ = hooks_of(appending(tmp_path / "told", "error"))
    asyncio.run(hooks.send(ALERT))
    assert not received(tmp_path / "told") and hooks.sent == hooks.failed == 0


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ([sys.executable, "-c", "import sys; sys.exit('no pager today')"], "exit code 1 no pager today"),
        (["no-such-command-anywhere"], "No such file or directory"),
    ],
)
def test_a_command_that_fails_is_reported_and_not_raised(command, words):
    hooks, complaints = hooks_of(HookSpec(command=command))
    asyncio.run(hooks.send(ALERT))
    assert hooks.failed == 1 and words in complaints[0] and "alert 7 pool-soft" in complaints[0]


def test_a_command_that_hangs_is_killed_with_all_it_started():
    child = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import signal; signal.pause()'])"
    hooks, complaints = hooks_of(HookSpec(command=[sys.executable, "-c", child]), timeout_s=0.3)
    asyncio.run(hooks.send(ALERT))
    assert "killed after 0.3 s" in complaints[0]


def test_a_webhook_gets_the_alert_as_a_post():
    async def run():
        async with webhook([]) as (url, bodies):
            hooks, complaints = hooks_of(HookSpec(url=url))
            await hooks.send(ALERT)
            assert bodies == [ALERT] and not complaints

    asyncio.run(run())


def test_a_webhook_is_tried_again_but_not_for_ever():
    async def run():
        async with webhook([500, 503]) as (url, bodies):
            hooks, complaints = hooks_of(HookSpec(url=url))
            await hooks.send(ALERT)
            assert len(bodies) == 3 and hooks.sent == 1 and not complaints
        async with webhook([500] * 9) as (url, bodies):
            hooks, complaints = hooks_of(HookSpec(url=url))
            await hooks.send(ALERT)
            assert len(bodies) == 3 and hooks.failed == 1 and "status 500 (3 tries)" in complaints[0]

    asyncio.run(run())


def test_a_webhook_that_nobody_answers_is_reported():
    async def run():
        async with webhook([]) as (url, _):
            pass
        hooks, complaints = hooks_of(HookSpec(url=url))
        await hooks.send(ALERT)
        assert hooks.failed == 1 and "ClientConnectorError" in complaints[0]

    asyncio.run(run())


def test_a_webhook_that_never_answers_runs_into_its_time_limit():
    async def run():
        async def swallow(reader, writer):
            await reader.read()
            writer.close()

        server = await asyncio.start_server(swallow, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        hooks, complaints = hooks_of(HookSpec(url=f"http://127.0.0.1:{port}/"), timeout_s=0.2, tries=1)
        async with server:
            await hooks.send(ALERT)
        assert "TimeoutError" in complaints[0]

    asyncio.run(run())


@pytest.mark.parametrize("hook", [HookSpec(), HookSpec(command=["a"], url="http://b"), HookSpec(url="x", level="odd")])
def test_a_hook_that_makes_no_sense_is_refused_at_once(hook):
    with pytest.raises(ValueError):
        AlertHooks([hook])


def test_forward_sends_what_is_there_and_what_comes_in_order(tmp_path):
    first, later = story("warn", "info", "error").records, story("warn").records[-1:]
    with Journal(tmp_path / "journal", tmp_path / "live", 1 << 20) as journal:
        waiting = iter([first, later])

        def some_more() -> bool:
            more = next(waiting, None)
            for record in more or ():
                journal.append(record.kind, record.now_ns, record.payload)
            return more is None

        hooks, complaints = hooks_of(appending(tmp_path / "told"))
        last_seq = forward(tmp_path / "journal", hooks, some_more)
    assert [alert["seq"] for alert in received(tmp_path / "told")] == [3, 5, 6]
    assert (last_seq, hooks.sent, complaints) == (6, 3, [])


def test_forward_leaves_out_what_was_sent_before(tmp_path):
    folder = record_into(tmp_path, story("warn", "warn").records)
    hooks, _ = hooks_of(appending(tmp_path / "told"))
    assert forward(folder, hooks, lambda: True, after_seq=3) == 4
    assert [alert["seq"] for alert in received(tmp_path / "told")] == [4]


def test_the_listing_tells_where_each_alert_stands(tmp_path):
    folder = record_into(tmp_path, story("warn").records)
    (alert,) = alerts_in(folder)
    assert (alert["seq"], alert["market_ns"], alert["do"]) == (3, MARKET_T0, "nothing")
