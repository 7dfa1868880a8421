"""First weights from an autoencoder: what objects look like is learned before any is labelled.

Vafaei Sadr, Bassett & Sekyi 2022, section 6, propose it for a start without known classes.
"""

from typing import Any

import torch
from torch import nn
from torch.nn import functional

N_HIDDEN = 128  # units of the decoder's inner layer


def pretrain(trunk: nn.Module, data: torch.Tensor, options: Any) -> None:
    """Train a trunk, in place, so that a small decoder finds the objects in its latent vectors.

    Parameters
    ----------
    trunk
        (n, ...) -> (n, n_latent).
    data : (n, ...) float
        All objects seen so far, labelled or not.
    options : NetworkOptions
        ``pretraining_epochs``, rate and batches.
    """
    flat = data.flatten(1)
    mean, spread = flat.mean(0), flat.std().clamp(min=1e-12)
    decoder = nn.Sequential(
        nn.Linear(options.n_latent, N_HIDDEN), nn.ReLU(), nn.Linear(N_HIDDEN, flat.shape[1])
    )
    parameters = [*trunk.parameters(), *decoder.parameters()]
    optimizer = torch.optim.Adam(parameters, lr=options.learning_rate, fused=True)
    for _ in range(options.pretraining_epochs):
        for rows in torch.randperm(len(data)).split(options.batch_size):
            optimizer.zero_grad(set_to_none=True)
            wanted = (flat[rows] - mean) / spread
            functional.mse_loss(decoder(trunk(data[rows])), wanted).backward()
            optimizer.step()
