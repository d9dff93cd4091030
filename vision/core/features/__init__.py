"""Numbers that describe the regions of an image."""
