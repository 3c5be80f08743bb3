"""Folders and prefixes that a batch reads from and writes to."""

from penstock.storage.locations.location import Location, Publication
from penstock.storage.locations.location_errors import OutputExists
from penstock.storage.locations.opening import open_location, resolved_roots

__all__ = ["Location", "OutputExists", "Publication", "open_location", "resolved_roots"]
