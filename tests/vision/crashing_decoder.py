"""A decoder that ends its process; other processes import it by name, without Django."""

import os

from vision.services.cleaning import clean


def end_at_the_marked(content, rules):
    """Like a decoder that crashes on a damaged file."""
    if content == b"crash":
        os._exit(11)
    return clean(content, rules)
