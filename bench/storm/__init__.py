"""The storm: an adversarial campaign on a desk's own config, in virtual time, and the judge of its journals."""
