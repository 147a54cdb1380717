"""A Series: samples over time in bounded memory. When it is full every second one goes, and half as many come."""

from array import array
from itertools import islice


class Series:
    """Rows of (now_ns, *values), oldest first. `every`: one in so many samples is kept; `seen` counts all of them."""

    def __init__(self, *columns: str, limit: int = 3000):
        self.columns = columns
        self.limit = limit
        self.every = 1
        self.seen = 0
        self.time_ns = array("q")
        self._values = {column: array("d") for column in columns}

    def __len__(self) -> int:
        return len(self.time_ns)

    def __getitem__(self, column: str) -> array:
        return self._values[column]

    def add(self, now_ns: int, *values: float) -> None:
        self.seen += 1
        if (self.seen - 1) % self.every:
            return
        if len(self.time_ns) >= self.limit:
            self._thin()
            if (self.seen - 1) % self.every:
                return
        self.time_ns.append(now_ns)
        for column, value in zip(self.columns, values, strict=True):
            self._values[column].append(value)

    def rows(self):
        return zip(self.time_ns, *self._values.values(), strict=True)

    def _thin(self) -> None:
        self.every *= 2
        self.time_ns = array("q", islice(self.time_ns, 0, None, 2))
        self._values = {name: array("d", islice(column, 0, None, 2)) for name, column in self._values.items()}
