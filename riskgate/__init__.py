"""What forbids: the pre-trade gate, its controls, holds and limits. Only `gate` can clear a decision."""
