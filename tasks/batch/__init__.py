"""The stages of a batch."""
