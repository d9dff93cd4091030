"""Releases of gold: files that are frozen, checked by their hashes, and read by the tools of others."""
