"""The walk: inputs of a journal, one after another, through the compiled calls of live, without a turn of Python."""

from desk.hot import price_quote
from engine.append import HEADER_BYTES, WORD, WRITER
from engine.jit import njit
from engine.memory import view
from engine.records import FIRST_OUTPUT, HEADER, QUOTE, QUOTE_DTYPE, TIMER
from engine.tables import head_of
from engine.tape import TAPE
from engine.use import is_quiet_beat


@njit
def walk(base, journal, tape_address):
    """Feed the inputs of a tape (`engine.tape.TAPE`) up to the first that Python must take: any but a quote or a quiet
    beat, or one that outputs follow. TAPE.wrong says where a quote caused what the tape has not.

    The journal is a buffer, of which each quote uses the beginning.
    """
    tape, head, writer = view(tape_address, 1, TAPE)[0], head_of(base), view(journal, 1, WRITER)[0]
    offsets = view(tape.offsets, tape.records, WORD)
    at = tape.at
    while at + 1 < tape.records:
        source = tape.address + offsets[at]
        header = view(source, 1, HEADER)[0]
        if view(tape.address + offsets[at + 1], 1, HEADER)[0].kind >= FIRST_OUTPUT:
            break
        if header.kind == QUOTE and tape.takes_quotes:
            quote = view(source + HEADER_BYTES, 1, QUOTE_DTYPE)[0]
            writer.offset, writer.next_seq = 0, 1
            waiting = price_quote(
                base, journal, quote.instrument, quote.bid_ticks, quote.bid_lots, quote.ask_ticks, quote.ask_lots,
                quote.venue_ns, header.now_ns, quote.venue_seq, quote.flags,
            )  # fmt: skip
            if waiting != 0:
                tape.wrong = 1
                break
        elif header.kind != TIMER or not is_quiet_beat(base, header.now_ns, tape.until_ns, tape.until_market_ns):
            break
        else:
            head.now_ns = header.now_ns
        at += 1
    tape.at = at
