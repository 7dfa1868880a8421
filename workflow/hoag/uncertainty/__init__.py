"""Whether a classifier's uncertainty finds what belongs to none of its classes."""
