"""What a person can decide on a Halted deal, in the words that help, pages and answers share."""

from shlex import quote

# As `engine.records.RESOLUTIONS` names them, behind the empty one; here so that `tandem --help` needs no numpy.
MEANINGS = {
    "retry": "repair goes on, with fresh tries and a fresh naked limit",
    "accept": "the deal ends with its lots as they are; their exposure is the residual ledger's from now on",
    "by-hand": "you have traded them elsewhere: the venue's word on the positions is taken over",
}


def resolve_lines(journal: str, deal_id: int) -> list[str]:
    """What each decision does, and below it the exact command."""
    lines = []
    for name, meaning in MEANINGS.items():
        lines += [f"{name:<8} {meaning}", f"{'':<8} tandem resolve {quote(journal)} {deal_id} --{name} --why TEXT"]
    return lines
