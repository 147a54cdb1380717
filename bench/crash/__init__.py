"""The crash campaign: an engine killed at every point of a deal, and at random moments, while its venues live on."""
