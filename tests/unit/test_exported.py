"""Networks that were exported elsewhere."""

import numpy as np
import pytest
import torch
from torch import nn

from hoag.features import exported, pretrained
from hoag.options import ConfigError, build


class Store:
    def __init__(self, images):
        self.images = images

    def __len__(self):
        return len(self.images)

    def read(self, indices):
        return self.images[np.asarray(indices, dtype=int)]


class Pooled(nn.Module):
    """What ``pretrained`` asks of its network, as a network of its own."""

    def __init__(self):
        super().__init__()
        self.network = pretrained._network()

    def forward(self, x):
        mean, spread = (
            torch.tensor(v)[:, None, None] for v in (pretrained.MEAN, pretrained.SPREAD)
        )
        return self.network.extract_features((x - mean) / spread)


def written(path, network, *example):
    torch.export.save(torch.export.export(network.eval(), example), path)
    return build(exported.Options, {"path": str(path)}, "features.mine")


@pytest.mark.filterwarnings("ignore:No complete tensor found")  # of torch.export.save
def test_the_same_network_sees_the_same(tmp_path):
    images = np.random.default_rng(1).integers(0, 256, (40, 50, 50, 3), dtype=np.uint8)
    own = pretrained.Options(size_px=64)
    state = pretrained.fit(Store(images), own, 1)
    options = written(tmp_path / "lite0.pt2", Pooled(), torch.zeros(16, 3, 64, 64))
    theirs = exported.fit(Store(images), options, 1)
    np.testing.assert_allclose(theirs["mean"], state["mean"], rtol=1e-4, atol=1e-4)
    found, wanted = (
        module.transform(images[:7], o, state)
        for module, o in ((exported, options), (pretrained, own))
    )
    np.testing.assert_allclose(found, wanted, atol=1e-3 * np.abs(wanted).max())


def test_colours_are_averaged_for_a_network_of_one_channel(tmp_path):
    options = written(tmp_path / "grey.pt2", nn.Flatten(), torch.zeros(2, 1, 2, 2))
    images = np.zeros((3, 2, 2, 3), np.uint8)
    images[0, ..., 0], images[1], images[2, 1, 1] = 255, 51, 255
    network = exported._Network(options.path)
    wanted = [[1 / 3] * 4, [0.2] * 4, [0, 0, 0, 1]]
    found = np.concatenate([network.see(images[:2]), network.see(images[2:])])
    np.testing.assert_allclose(found, wanted, atol=1e-6)


@pytest.mark.parametrize(
    ("network", "example", "message"),
    [
        (nn.Bilinear(2, 2, 3), (torch.zeros(4, 2), torch.zeros(4, 2)), "a network that takes"),
        (
            nn.Identity(),
            (torch.zeros(4, 5, 8, 8),),
            r"takes \[\(4, 5, 8, 8\)\], allowed: one batch",
        ),
        (nn.Flatten(0), (torch.zeros(4, 1, 2, 2),), r"found outputs \(16,\), allowed: "),
    ],
)
def test_a_network_of_something_else_is_refused(tmp_path, network, example, message):
    options = written(tmp_path / "other.pt2", network, *example)
    with pytest.raises(ConfigError, match=message) as caught:
        exported.fit(Store(np.zeros((4, 8, 8, 1), np.uint8)), options, 1)
    assert str(caught.value).startswith(options.path) and "\n" not in str(caught.value)


@pytest.mark.parametrize("text", [None, "not a network"])
def test_a_file_that_no_export_wrote_is_named_while_planning(tmp_path, text):
    path = tmp_path / "network.pt2"
    if text:
        path.write_text(text)
    options = build(exported.Options, {"path": str(path)}, "features.mine")
    with pytest.raises(ConfigError, match=r"^features\.mine\.path: found .*network\.pt2', allowed"):
        exported.check((8, 8, 3), options, "features.mine")
