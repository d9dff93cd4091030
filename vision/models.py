"""Tables of the pixels half come with the images."""
