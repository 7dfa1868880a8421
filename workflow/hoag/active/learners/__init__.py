"""Learners: one file each; see `hoag.active.contract`."""
