"""What writes: imports of images."""
