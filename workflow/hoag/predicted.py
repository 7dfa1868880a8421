"""What a classifier with dropout says of objects, and what uncertainty follows from it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

UNKNOWN = -1  # class number of an object that the classifier did not learn from
KINDS = ("logit", "mean_logit", "p", "expected_entropy", "latent", "member")


@dataclass(frozen=True)
class Predicted:
    """Predictions for n objects and k classes.

    Attributes
    ----------
    logits : (n, k)
        With dropout off.
    mean_logits : (n, k)
        Mean over the passes.
    p : (n, k)
        Softmax probabilities, mean over the passes.
    expected_entropy : (n,)
        Mean over the passes of each one's entropy, nat.
    latent : (n, d)
        Penultimate layer, with dropout off.
    members : (n, m, k)
        Probabilities of each network of an ensemble, with dropout off; m is 0 without one.
    """

    logits: np.ndarray
    mean_logits: np.ndarray
    p: np.ndarray
    expected_entropy: np.ndarray
    latent: np.ndarray
    members: np.ndarray

    def __len__(self) -> int:
        return len(self.p)

    def entropy(self) -> np.ndarray:
        """Predictive entropy of the mean softmax (Porter & Scaife 2023), (n,), at most ln k."""
        return entropy(self.p)

    def rows(self, which: np.ndarray | slice) -> "Predicted":
        """Those of some objects."""
        return Predicted(**{name: getattr(self, name)[which] for name in self.__dataclass_fields__})

    def columns(self, classes: Sequence[str]) -> dict[str, np.ndarray]:
        """As named columns: logit_FRI, mean_logit_FRI, p_FRI, ..., latent_00, member_0_FRI."""
        found = {}
        for kind in ("logits", "mean_logits", "p"):
            for name, column in zip(classes, getattr(self, kind).T, strict=True):
                found[f"{kind.removesuffix('s')}_{name}"] = column
        found["expected_entropy"] = self.expected_entropy
        for i, column in enumerate(self.latent.T):
            found[f"latent_{i:02d}"] = column
        for i in range(self.members.shape[1]):
            for j, name in enumerate(classes):
                found[f"member_{i}_{name}"] = self.members[:, i, j]
        return found

    @classmethod
    def from_draws(
        cls,
        logits: np.ndarray,
        passes: np.ndarray,
        latent: np.ndarray,
        *,
        temperatures: np.ndarray | None = None,
    ) -> "Predicted":
        """From what networks gave.

        Parameters
        ----------
        logits : (m, n, k)
            Of each network of an ensemble, with dropout off; the passes are those of the first.
        passes : (t, n, k)
            Logits of t draws of dropout.
        latent : (n, d)
            Penultimate layer of the first.
        temperatures : (m,)
            Each network's logits are divided by its own; 1 where none are given.
        """
        if temperatures is not None:
            logits, passes = logits / temperatures[:, None, None], passes / temperatures[0]
        p = softmax(passes)
        members = softmax(logits).swapaxes(0, 1)
        return cls(
            logits=logits[0],
            mean_logits=passes.mean(axis=0),
            p=p.mean(axis=0),
            expected_entropy=entropy(p).mean(axis=0),
            latent=latent,
            members=members if len(logits) > 1 else members[:, :0],
        )

    @classmethod
    def of(cls, x: np.ndarray, names: Sequence[str]) -> "Predicted":
        """From the columns (n, c) and their names.

        Raises
        ------
        ValueError
            If they are not those of a classifier.
        """
        kinds = [_kind(name) for name in names]
        missing = {"logit", "mean_logit", "p", "expected_entropy", "latent"} - set(kinds)
        if missing:
            shown = ", ".join([*names[:5], *["..."] * (len(names) > 5)])
            raise ValueError(
                f"found columns {shown}, allowed: those of a feature space of kind 'classifier'"
            )
        x = np.asarray(x, dtype=np.float64)
        parts = {k: x[:, [i for i, kind in enumerate(kinds) if kind == k]] for k in KINDS}
        n_classes = parts["p"].shape[1]
        return cls(
            logits=parts["logit"],
            mean_logits=parts["mean_logit"],
            p=parts["p"],
            expected_entropy=parts["expected_entropy"][:, 0],
            latent=parts["latent"],
            members=parts["member"].reshape(len(x), -1, n_classes)
            if parts["member"].size
            else np.empty((len(x), 0, n_classes)),
        )


def entropy(p: np.ndarray, axis: int = -1) -> np.ndarray:
    """- sum p ln p along an axis, nat; 0 ln 0 is 0."""
    return -np.sum(p * np.log(np.where(p > 0, p, 1)), axis=axis)


def softmax(logits: np.ndarray, axis: int = -1) -> np.ndarray:
    """Probabilities along an axis."""
    e = np.exp(logits - logits.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def _kind(name: str) -> str:
    match = re.match(r"expected_entropy$|mean_logit_|logit_|p_|latent_\d|member_\d", name)
    return match[0].rstrip("_0123456789") if match else ""
