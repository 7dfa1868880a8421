"""Hoag: finds the galaxies that don't belong. Arrays and tables in, arrays and tables out."""
