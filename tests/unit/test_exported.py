"""Networks that were exported elsewhere."""

import zipfile

import numpy as np
import pytest
import torch
from torch import nn

from hoag.features import exported, pretrained
from hoag.options import ConfigError, build


class Store:
    def __init__(self, images):
        self.images, self.shape = images, images.shape[1:]

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


def written(path, network, inputs):
    args, keywords = ((), inputs) if isinstance(inputs, dict) else (inputs, {})
    torch.export.save(torch.export.export(network, args, keywords), path)
    return build(exported.Options, {"path": str(path)}, "features.mine")


@pytest.mark.filterwarnings("ignore:No complete tensor found")  # of torch.export.save
def test_the_same_network_sees_the_same(tmp_path):
    images = np.random.default_rng(1).integers(0, 256, (40, 50, 50, 3), dtype=np.uint8)
    own = pretrained.Options(size_px=64)
    state = pretrained.fit(Store(images), own, 1)
    options = written(tmp_path / "lite0.pt2", Pooled().eval(), (torch.zeros(16, 3, 64, 64),))
    theirs = exported.fit(Store(images), options, 1)
    np.testing.assert_allclose(theirs["mean"], state["mean"], rtol=1e-4, atol=1e-4)
    found, wanted = (
        module.transform(images[:7], o, state)
        for module, o in ((exported, options), (pretrained, own))
    )
    np.testing.assert_allclose(found, wanted, atol=1e-3 * np.abs(wanted).max())


def test_colours_are_averaged_for_a_network_of_one_channel(tmp_path):
    options = written(tmp_path / "grey.pt2", nn.Flatten(), (torch.zeros(2, 1, 2, 2),))
    images = np.zeros((3, 2, 2, 3), np.uint8)
    images[0, ..., 0], images[1], images[2, 1, 1] = 255, 51, 255
    network = exported._Network(options.path)
    wanted = [[1 / 3] * 4, [0.2] * 4, [0, 0, 0, 1]]
    found = np.concatenate([network.see(images[:2]), network.see(images[2:])])
    np.testing.assert_allclose(found, wanted, atol=1e-6)


class Keyword(nn.Module):
    def forward(self, pixels):
        return {"seen": pixels.flatten(1)}


IMAGES = torch.zeros(4, 1, 8, 8)


@pytest.mark.parametrize(
    ("network", "inputs", "message"),
    [
        (
            nn.Bilinear(2, 2, 3),
            (torch.zeros(4, 2), torch.zeros(4, 2)),
            r"takes \(4, 2\) torch.float32, ",
        ),
        (
            nn.Identity(),
            (torch.zeros(4, 5, 8, 8),),
            r"takes \(4, 5, 8, 8\) torch.float32, allowed: one",
        ),
        (nn.Flatten(), (IMAGES.half(),), r"takes \(4, 1, 8, 8\) torch.float16, allowed"),
        (Keyword(), {"pixels": IMAGES}, r"takes \(4, 1, 8, 8\) torch.float32, .* not by keyword"),
        (Keyword(), (IMAGES,), r"a network that gives dict, allowed: \(n, d\) or"),
        (nn.Flatten(0), (IMAGES,), r"a network that gives \(256,\) torch.float32, allowed"),
        (nn.Sequential(nn.BatchNorm2d(1), nn.Flatten()), (IMAGES,), r"beside others.* \.eval\(\)$"),
        (nn.Sequential(nn.Dropout(), nn.Flatten()), (IMAGES[:1],), r"beside others.* \.eval\(\)$"),
    ],
)
def test_a_network_of_something_else_is_refused(tmp_path, network, inputs, message):
    options = written(tmp_path / "other.pt2", network.train(), inputs)
    images = np.random.default_rng(1).integers(0, 256, (4, 8, 8, 1), dtype=np.uint8)
    with pytest.raises(ConfigError, match=message) as caught:
        exported.fit(Store(images), options, 1)
    assert str(caught.value).startswith(options.path) and "\n" not in str(caught.value)


def test_a_program_that_cannot_be_loaded_is_named(tmp_path):
    path = tmp_path / "later.pt2"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("later/models/model.json", "{}")
    options = build(exported.Options, {"path": str(path)}, "features.mine")
    exported.check((8, 8, 1), options, "features.mine")
    with pytest.raises(ConfigError, match=r"later\.pt2: found what PyTorch .* can't load"):
        exported.fit(Store(np.zeros((4, 8, 8, 1), np.uint8)), options, 1)


def test_a_file_that_is_not_there_is_named_while_planning(tmp_path):
    options = build(exported.Options, {"path": str(tmp_path / "gone.pt2")}, "features.mine")
    with pytest.raises(ConfigError, match=r"^features\.mine\.path: found no file .*gone\.pt2'$"):
        exported.check((8, 8, 3), options, "features.mine")


@pytest.mark.parametrize("content", ["text", "weights"])
def test_a_file_that_no_export_wrote_is_named_while_planning(tmp_path, content):
    path = tmp_path / "network.pt2"
    if content == "text":
        path.write_text("not a network")
    elif content == "weights":
        torch.save(nn.Linear(2, 2).state_dict(), path)
    options = build(exported.Options, {"path": str(path)}, "features.mine")
    with pytest.raises(ConfigError, match=r"^features\.mine\.path: found .*network\.pt2', allowed"):
        exported.check((8, 8, 3), options, "features.mine")
