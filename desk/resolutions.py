"""What a person can decide on a Halted deal, in the words that help, pages and answers share."""

# As `engine.records.RESOLUTIONS` names them, behind the empty one; here so that `tandem --help` needs no numpy.
MEANINGS = {
    "retry": "repair goes on, with fresh tries and a fresh naked limit",
    "accept": "the lots stay as they are; their exposure goes to the spread's residual ledger",
    "by-hand": "you have traded them elsewhere: the venue's word on the positions is taken over",
}
WIDTH = max(len(name) for name in MEANINGS)


def resolve_lines(journal: str, deal_id: int) -> list[str]:
    """The exact commands, one a decision, each with what it does."""
    return [
        f"tandem resolve {journal} {deal_id} --{name:<{WIDTH}} --why TEXT   {meaning}"
        for name, meaning in MEANINGS.items()
    ]


def resume_line(journal: str, strategy: str) -> str:
    return f"tandem resume {journal} strategy:{strategy} --why TEXT"
