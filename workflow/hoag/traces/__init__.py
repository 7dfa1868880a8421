"""Light curves and spectra: rows of measurements, any number for each object."""
