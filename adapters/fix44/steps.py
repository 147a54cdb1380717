"""Decimal texts from and to whole steps (ticks of a price, lots of a size): exact, and fast for texts seen before."""

from fractions import Fraction

from engine.instruments import LARGEST_STEPS, decimals_of

_MEMO = 4096
_MAX_CHARS = 40


class Steps:
    """The step of one instrument's prices or sizes. `what` names it in errors.

    The way in raises ValueError for a text that is no decimal number, or beyond +-2^53 steps. It remembers its last
    few thousand texts: prices repeat, and a dict costs a tenth of the arithmetic.
    """

    def __init__(self, step: Fraction, what: str) -> None:
        self._what = what
        self._digits = decimals_of(step)
        self._scale = 10**self._digits
        self._unit = int(step * self._scale)
        self._memo: dict[bytes, tuple[int, int, int]] = {}

    @property
    def scale(self) -> tuple[int, int]:
        """(the step in units of its last digit, digits after the point), as `engine.text.put_steps` has them."""
        return self._unit, self._digits

    def exact(self, text: bytes) -> int:
        """The number of steps. ValueError where the text is no decimal number or no multiple of the step."""
        steps, rest, _ = self._memo.get(text) or self._divide(text)
        if rest:
            raise ValueError(f"{self._what} {text!r} is not a multiple of {self._unit / self._scale:g}")
        return steps

    def floor(self, text: bytes) -> int:
        """Rounded down; for displayed sizes and odd-lot fills. ValueError where the text is no decimal number."""
        return (self._memo.get(text) or self._divide(text))[0]

    def floor_difference(self, text: bytes, less: bytes) -> int:
        """text minus less, both decimal texts, rounded down. ValueError where one is no decimal number."""
        steps, rest, step = self._memo.get(text) or self._divide(text)
        less_steps, less_rest, less_step = self._memo.get(less) or self._divide(less)
        return steps - less_steps - (rest * less_step < less_rest * step)

    def nearest(self, text: bytes) -> int:
        """Rounded to the nearest step, half up. ValueError where the text is no decimal number."""
        steps, rest, step = self._memo.get(text) or self._divide(text)
        return steps + (2 * rest >= step)

    def text(self, steps: int) -> bytes:
        """The exact decimal text, with the digits of the step."""
        scaled = steps * self._unit
        if not self._digits:
            return b"%d" % scaled
        whole, fraction = divmod(abs(scaled), self._scale)
        return b"%b%d.%0*d" % (b"-" if scaled < 0 else b"", whole, self._digits, fraction)

    def _divide(self, text: bytes) -> tuple[int, int, int]:
        """(steps rounded down, remainder, what one step is in the remainder's unit)."""
        digits = text[1:] if text[:1] == b"-" else text
        whole, _, fraction = digits.partition(b".")
        if not (whole + fraction).isdigit() or len(text) > _MAX_CHARS:
            raise ValueError(f"{self._what} {text[:_MAX_CHARS]!r} is not a decimal number")
        value = int(whole + fraction) * self._scale
        step = self._unit * 10 ** len(fraction)
        if value > LARGEST_STEPS * step:
            raise ValueError(f"{self._what} {text!r} is beyond 2^53 steps of {self._unit / self._scale:g}")
        answer = (*divmod(-value if digits is not text else value, step), step)
        if len(self._memo) >= _MEMO:
            self._memo.clear()
        self._memo[text] = answer
        return answer
