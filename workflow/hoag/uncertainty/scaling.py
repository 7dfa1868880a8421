"""Temperature scaling: confidence that agrees with accuracy, the classes named staying the same."""

import numpy as np

from hoag.predicted import softmax


def temperature(passes: np.ndarray, classes: np.ndarray) -> float:
    """The number by which logits are divided for the smallest cross-entropy (Guo et al. 2017).

    Parameters
    ----------
    passes : (t, n, k)
        Logits of objects that were not learned from, of draws of dropout or of one network; the
        cross-entropy is that of the mean softmax.
    classes : (n,) int
        Their true classes.

    Returns
    -------
    float
        Between 0.05 and 20.
    """
    from scipy.optimize import minimize_scalar

    rows = np.arange(len(classes))

    def cost(log_t: float) -> float:
        p = softmax(passes / np.exp(log_t)).mean(axis=0)[rows, classes]
        return -np.log(np.maximum(p, 1e-300)).mean()

    found = minimize_scalar(cost, bounds=(np.log(0.05), np.log(20)), method="bounded")
    return float(np.exp(found.x))
