"""What a day that has come to its end must agree on with its venues, beside what the judge reads in the journal."""


def wrong_at_the_end(day) -> list[str]:
    """Positions that are not the venue's, holds that nobody freed. day: a `bench.storm.day.Day` that is over."""
    return _positions(day) + _holds(day)


def _positions(day) -> list[str]:
    found = []
    for one in day.instruments:
        if one.account < 0:
            continue
        venue = day.venues[one.venue]
        theirs = venue.net(one.index) - venue.foreign_lots.get(one.index, 0)
        row = day.process.state.position[one.index]
        ours = int(row["long_today"] + row["long_yesterday"] - row["short_today"] - row["short_yesterday"])
        if ours != theirs:
            found.append(f"8: {one.id}: the engine holds {ours}, the venue says {theirs}")
    return found


def _holds(day) -> list[str]:
    held = [int(row["held_micros"]) for row in day.process.state.account]
    return [f"holds of account {at} are not freed: {micros} micros" for at, micros in enumerate(held) if micros]
