"""Active learning: one step for the machine's rounds and a person's, learners, strategies."""
