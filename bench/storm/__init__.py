"""The adversarial campaign: many worlds, every fault, and an independent judge of what the engine wrote down."""
