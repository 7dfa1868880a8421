"""Strategies: one file each; see `hoag.active.contract`."""
