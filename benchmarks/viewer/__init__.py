"""How fast the image pane is; see `benchmarks.viewer.__main__`."""
