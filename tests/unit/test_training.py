"""Training: the same for a seed, whether interrupted or not; the hold-out; the written checks."""

import copy
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import torch

from hoag import tables
from hoag.images.store import ShardWriter
from hoag.models import autoencoder, encoder, vae, wgan
from hoag.models._layers import as_tensor
from hoag.models._training import Batches, Schedule, train
from hoag.models.autoencoder.training import AutoencoderTraining
from hoag.models.encoder.training import EncoderTraining
from hoag.models.vae.training import VAETraining
from hoag.models.wgan import checks
from hoag.models.wgan.networks import Critic, Generator
from hoag.models.wgan.training import WassersteinGAN, split_hold_out, train_wgan
from hoag.seeds import generator as numpy_generator
from hoag.seeds import sequence

pytestmark = pytest.mark.usefixtures("torch_at_rest")

SMALL = {"width": 4, "iterations": 25, "checkpoint_every": 7}
SHAPE = (32, 32, 3)


def quiet(_line):
    pass


def build_wgan(seed=1, **options):
    small = SMALL | {"n_latent": 8, "batch_size": 4, "critic_steps": 2, "noise": 0.1}
    chosen = wgan.Options(**small | options)
    return WassersteinGAN(chosen, SHAPE, seed), chosen.batch_size * chosen.critic_steps


def build_encoder(seed=1):
    chosen = wgan.Options(width=4, n_latent=8)
    frozen = Generator(chosen, SHAPE, 5), Critic(chosen, SHAPE, 6)
    for network in frozen:
        network.requires_grad_(False)
    options = encoder.Options(**SMALL, batch_size=8)
    return EncoderTraining(options, *frozen, SHAPE, seed), options.batch_size


def build_autoencoder(seed=1):
    options = autoencoder.Options(**SMALL, n_components=4, batch_size=8)
    return AutoencoderTraining(options, SHAPE, 0.4, seed), options.batch_size


def build_vae(seed=1):
    options = vae.Options(**SMALL, n_components=4, batch_size=8, warm_up=20)
    return VAETraining(options, SHAPE, 0.4, seed), options.batch_size


BUILDERS = {
    "wgan": build_wgan,
    "encoder": build_encoder,
    "autoencoder": build_autoencoder,
    "vae": build_vae,
}


class PulledPlugError(Exception):
    pass


def run(built, store, path, *, stop_at=None, seed=1, threads=1, say=quiet):
    """Train; the iterations that were run, in order. At ``stop_at`` the plug is pulled."""
    module, n_images = built
    step, done = module.training_step, []

    def recorded(batch, batch_idx):
        done.append(batch[0])
        if batch[0] == stop_at:
            raise PulledPlugError
        step(batch, batch_idx)

    module.training_step = recorded
    options = module.options
    schedule = Schedule(options.iterations, options.checkpoint_every, path, threads, seed)
    try:
        train(module, store, np.arange(len(store)), n_images, schedule, say)
    except PulledPlugError:
        assert stop_at is not None
    return done


def weights(module):
    return torch.cat([p.detach().flatten() for p in [*module.parameters(), *module.buffers()]])


@pytest.fixture(scope="module", params=BUILDERS)
def undisturbed(request, store, tmp_path_factory):
    build = BUILDERS[request.param]
    built = build()
    done = run(built, store, tmp_path_factory.mktemp("undisturbed") / "last.ckpt")
    assert done == list(range(25))
    return build, built[0]


def test_training_is_the_same_for_a_seed(undisturbed, store, tmp_path):
    build, expected = undisturbed
    torch.rand(3)  # the global generator is of no account
    again, other = build(), build(seed=2)
    run(again, store, tmp_path / "again.ckpt")
    run(other, store, tmp_path / "other.ckpt", seed=2)
    assert torch.equal(weights(again[0]), weights(expected))
    assert again[0].history == expected.history
    assert not torch.equal(weights(other[0]), weights(expected))


@pytest.mark.parametrize("stops", [[3], [7], [13], [10, 22], [24]])
def test_interrupted_training_ends_as_an_undisturbed_one(undisturbed, stops, store, tmp_path):
    build, expected = undisturbed
    path, first = tmp_path / "last.ckpt", 0
    for stop in stops:
        assert run(build(), store, path, stop_at=stop) == list(range(first, stop + 1))
        first = 7 * (stop // 7)  # the last whole stretch
    built = build()
    assert run(built, store, path) == list(range(first, 25))
    assert torch.equal(weights(built[0]), weights(expected))
    assert built[0].history == expected.history


def test_a_progress_file_is_replaced_whole(store, tmp_path):
    run(build_autoencoder(), store, tmp_path / "deep" / "last.ckpt", stop_at=16)
    assert [p.name for p in tmp_path.rglob("*.*")] == ["last.ckpt"]
    kept = torch.load(tmp_path / "deep" / "last.ckpt", weights_only=True)  # arrays, no objects
    assert kept["epoch"] == 2


def test_history_covers_all_iterations(undisturbed):
    history = undisturbed[1].history
    assert [row["iteration"] for row in history] == [10, 20, 25]
    assert all(np.isfinite(list(row.values())).all() for row in history)


def test_history_is_the_mean_of_ten(store, tmp_path):
    built, values = build_autoencoder(), []
    note = built[0].note
    built[0].note = lambda i, **v: (values.append(v["loss"].item()), note(i, **v))
    run(built, store, tmp_path / "last.ckpt")
    losses = [row["loss"] for row in built[0].history]
    means = [np.mean(values[:10]), np.mean(values[10:20]), np.mean(values[20:])]
    np.testing.assert_allclose(losses, means, rtol=1e-5)


def test_each_stretch_says_how_far_it_is(store, tmp_path):
    lines = []
    run(build_autoencoder(), store, tmp_path / "last.ckpt", stop_at=20, say=lines.append)
    assert [line.split()[0] for line in lines] == ["7/25", "14/25"]
    run(build_autoencoder(), store, tmp_path / "last.ckpt", say=lines.append)
    assert lines[2].startswith("goes on from")
    assert [line.split()[0] for line in lines[3:]] == ["21/25", "25/25"]
    assert ", 0 s left, loss " in lines[-1]


def test_noise_is_on_in_training(store, tmp_path):
    with_noise, without = build_wgan(iterations=2), build_wgan(iterations=2, noise=0.0)
    for name, built in (("with", with_noise), ("without", without)):
        run(built, store, tmp_path / f"{name}.ckpt")
    assert not torch.equal(weights(with_noise[0].generator), weights(without[0].generator))


def plain_wgan(store, options, seed, n_iterations):
    """Algorithm 1 of Gulrajani et al. 2017 without Lightning, with the same draws."""
    generator = Generator(options, SHAPE, sequence(seed, "generator"))
    critic = Critic(options, SHAPE, sequence(seed, "critic"))
    rate, betas = options.learning_rate, (options.beta1, options.beta2)
    step_generator, step_critic = (
        torch.optim.Adam(n.parameters(), rate, betas) for n in (generator, critic)
    )
    order = numpy_generator(seed, "order", 0).permutation(len(store))
    images = as_tensor(store.read(order))
    n = options.batch_size
    for iteration in range(n_iterations):
        random = torch.Generator().manual_seed(sequence(seed, "wgan", iteration))
        for _ in range(options.critic_steps):
            real, images = images[:n], images[n:]
            fake = generator(torch.randn(n, options.n_latent, generator=random)).detach()
            share = torch.rand(n, 1, 1, 1, generator=random)
            between = (share * real + (1 - share) * fake).requires_grad_()
            slope = torch.autograd.grad(critic(between).sum(), between, create_graph=True)[0]
            penalty = (slope.square().sum((1, 2, 3)).sqrt() - 1).square().mean()
            loss = critic(fake).mean() - critic(real).mean() + 10 * penalty
            step_critic.zero_grad()
            loss.backward()
            step_critic.step()
        loss = -critic(generator(torch.randn(n, options.n_latent, generator=random))).mean()
        step_generator.zero_grad()
        loss.backward()
        step_generator.step()
    return generator, critic


def test_wgan_follows_the_published_algorithm(store, tmp_path):
    built = build_wgan(iterations=3, noise=0.0)
    run(built, store, tmp_path / "last.ckpt")
    generator, critic = plain_wgan(store, built[0].options, 1, 3)
    for found, expected in ((built[0].generator, generator), (built[0].critic, critic)):
        # Adam turns the rounding of a vanishing gradient (the critic's bias) into a step
        assert (weights(found) - weights(expected)).abs().quantile(0.999) < 1e-6
    start = Critic(built[0].options, SHAPE, sequence(1, "critic"))
    assert (weights(start) - weights(critic)).abs().max() > 1e-4  # the tolerance is far below


def test_wgan_learns_the_mean_image(trained, store):
    start = Generator(trained.wgan.options, SHAPE, sequence(3, "generator"))
    mean = store.images.mean(0)
    before, after = (
        np.abs(checks.sample(g, 64, 1).mean(0) - mean).mean()
        for g in (start, trained.wgan.generator)
    )
    assert after < before / 3


def test_encoder_learns(trained):
    losses = [row["loss"] for row in trained.encoder.history]
    assert losses[-1] < 0.9 * losses[0]


def test_autoencoder_learns(store, tmp_path):
    options = autoencoder.Options(width=4, n_components=4, iterations=60, learning_rate=1e-2)
    module = AutoencoderTraining(options, SHAPE, 0.4, 1)
    run((module, 8), store, tmp_path / "last.ckpt")
    assert module.history[-1]["loss"] < module.history[0]["loss"] / 3


def test_encoder_leaves_the_other_networks_alone(store, tmp_path):
    built = build_encoder()
    before = [weights(n).clone() for n in built[0].frozen]
    run(built, store, tmp_path / "last.ckpt")
    assert all(torch.equal(weights(n), b) for n, b in zip(built[0].frozen, before, strict=True))
    assert not any(k.startswith("frozen") for k in built[0].state_dict())


def visits(store, indices, per_iteration, spans, seed=4):
    seen = []
    for span in spans:
        for iteration, images in Batches(store, indices, per_iteration, span, seed):
            assert len(images) == per_iteration
            seen.append((iteration, images[:, 0].tolist()))
    return seen


class Numbers:
    """A store whose images are their own indices."""

    def read(self, indices):
        return np.asarray(indices)[:, None]


def test_batches_visit_each_image_equally_often():
    indices = np.array([3, 5, 8, 11, 12, 20, 21])
    # 35 iterations of 6 images are 30 orders of 7 images; 14 of 16 images are 32 orders
    for per_iteration, n_iterations, times in ((6, 35, 30), (16, 14, 32)):
        seen = visits(Numbers(), indices, per_iteration, [range(n_iterations)])
        values, counts = np.unique(np.concatenate([s for _, s in seen]), return_counts=True)
        np.testing.assert_array_equal(values, indices)
        assert (counts == times).all()


def test_batches_are_one_random_order_after_another():
    indices = np.arange(7)
    seen = np.concatenate([s for _, s in visits(Numbers(), indices, 6, [range(35)])])
    orders = seen.reshape(30, 7)
    assert (np.sort(orders, axis=1) == indices).all()
    assert len({tuple(o) for o in orders}) > 25


def test_batches_do_not_depend_on_where_a_stretch_begins():
    whole = visits(Numbers(), np.arange(7), 6, [range(20)])
    parts = visits(Numbers(), np.arange(7), 6, [range(3), range(3, 11), range(11, 20)])
    assert parts == whole
    assert visits(Numbers(), np.arange(7), 6, [range(20)], seed=5) != whole


IDS = np.array([f"{i:019d}" for i in range(4000)], object)


def test_hold_out_is_decided_by_the_id_alone():
    kept, held = split_hold_out(IDS, 0.05, 1, 32)
    assert sorted([*kept, *held]) == list(range(4000))
    assert 0.035 < len(held) / 4000 < 0.065
    shuffled = np.random.default_rng(0).permutation(4000)[:1500]
    _, held_of_some = split_hold_out(IDS[shuffled], 0.05, 1, 32)
    assert set(shuffled[held_of_some]) == set(held) & set(shuffled)
    _, held_by_another_seed = split_hold_out(IDS, 0.05, 2, 32)
    assert set(held_by_another_seed) != set(held)


def test_nothing_is_held_out_where_the_share_is_none():
    kept, held = split_hold_out(IDS, 0.0, 1, 32)
    assert len(kept) == 4000 and not len(held)


@pytest.mark.parametrize(("n", "batch_size"), [(31, 32), (15, 2), (0, 2)])
def test_too_few_images_to_train_on(n, batch_size):
    with pytest.raises(ValueError, match=f"^found {n} images to train on, allowed: at least one"):
        split_hold_out(IDS[:n], 0.0, 1, batch_size)


def test_held_out_images_are_not_trained_on(store, tmp_path):
    seen = set()

    class Watched:
        def __len__(self):
            return len(store)

        def read(self, indices):
            seen.update(np.asarray(indices).tolist())
            return store.read(indices)

    options = wgan.Options(
        width=2, n_latent=4, iterations=4, batch_size=8, critic_steps=4, hold_out=0.3
    )
    schedule = Schedule(4, 4, tmp_path / "last.ckpt", threads=1, seed=1)
    train_wgan(Watched(), store.object_ids, SHAPE, options, schedule, quiet)
    kept, held = split_hold_out(store.object_ids, 0.3, 1, 8)
    assert len(held) > 8
    assert seen == set(kept.tolist())


def test_two_runs_train_the_same_network_one_after_the_other(store, tmp_path):
    """The second waits, then takes what the first one made and trains nothing."""
    options = wgan.Options(width=2, n_latent=4, iterations=3, batch_size=8, critic_steps=1)
    schedule = Schedule(3, 2, tmp_path / "last.ckpt", threads=1, seed=1)
    said, reads = [], []

    def run(say=quiet):
        return train_wgan(store, store.object_ids, SHAPE, options, schedule, say)

    class Counted:
        def __len__(self):
            return len(store)

        def read(self, indices):
            reads.append(len(indices))
            return store.read(indices)

    code = f"""
import fcntl, sys
file = open({str(tmp_path / "lock")!r}, "w")
fcntl.flock(file, fcntl.LOCK_EX)
print("held", flush=True)
sys.stdin.read()
"""
    holder = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert holder.stdout.readline() == b"held\n"

    def say(line):
        said.append(line)
        if line.startswith("waits for another run"):
            holder.stdin.close()  # the other run ends

    first = run(say)
    assert holder.wait(10) == 0 and "waits" in said[0] and "3/3 iterations" in said[-1]
    holder.stdout.close()
    second = train_wgan(Counted(), store.object_ids, SHAPE, options, schedule, quiet)
    assert reads == []
    assert second.history == first.history
    for one, other in zip(first.parameters(), second.parameters(), strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=0)


# --- the written checks


def passed(table):
    return dict(zip(table["check"], table["passed"], strict=True))


class Replay(torch.nn.Module):
    """A generator that hands out given images, one after another."""

    n_latent = 4

    def __init__(self, images):
        super().__init__()
        self.images, self.at = torch.nn.Parameter(as_tensor(images)), 0

    def forward(self, z):
        self.at += len(z)
        return self.images[(self.at - len(z)) % len(self.images) :][: len(z)]


class Brightness(torch.nn.Module):
    """A critic that likes dark images (sign -1) or bright ones, or can't tell (0)."""

    def __init__(self, sign):
        super().__init__()
        self.sign = torch.nn.Parameter(torch.tensor(float(sign)))

    def forward(self, x):
        return self.sign * x.mean((1, 2, 3))


def falling(n=20):
    return [{"iteration": i, "critic_distance": 2.0 / (1 + i)} for i in range(n)]


def make_checked(generator, critic, history=None, hold_out=0.2):
    model = WassersteinGAN(wgan.Options(width=2, n_latent=4, hold_out=hold_out), SHAPE, 1)
    model.generator, model.critic = generator, critic
    model.history = falling() if history is None else history
    return model


@pytest.fixture(scope="module")
def many(draw_store):
    return draw_store(n=300)


@pytest.fixture(scope="module")
def others(draw_store):
    return draw_store(n=300, seed=77).images


@pytest.mark.parametrize("hold_out", [0.2, 0.0])
@pytest.mark.parametrize("sign", [0, 1])
def test_samples_that_are_real_images_pass(many, others, hold_out, sign, tmp_path):
    model = make_checked(Replay(others), Brightness(sign), hold_out=hold_out)
    table = checks.check(model, many, many.object_ids)
    assert table["passed"].all()
    rows = table.set_index("check")
    assert rows.loc["diversity", "value"] == pytest.approx(
        rows.loc["diversity", "reference"], rel=0.1
    )
    assert rows.loc["coverage", "reference"] > 0.8
    assert ("nothing held out" in rows.loc["coverage", "meaning"]) == (hold_out == 0)
    tables.write("checks", table, tmp_path / "checks.csv")
    pd.testing.assert_frame_equal(
        tables.read("checks", tmp_path / "checks.csv"), table, check_like=True
    )


def test_a_generator_of_one_image_is_mode_collapse(many, others):
    model = make_checked(Replay(np.repeat(others[:1], 300, axis=0)), Brightness(1))
    found = passed(checks.check(model, many, many.object_ids))
    assert not found["diversity"] and not found["coverage"]
    assert found["finite"] and found["critic_distance"]


def test_a_generator_of_few_images_is_mode_collapse(draw_store):
    """As diverse as real ones, but most have no sample near them."""
    store = draw_store(n=600)
    few = draw_store(n=4, seed=77).images
    model = make_checked(Replay(np.tile(few, (100, 1, 1, 1))), Brightness(0), hold_out=0.5)
    found = passed(checks.check(model, store, store.object_ids))
    assert found["diversity"] and not found["coverage"]


@pytest.mark.parametrize(("sign", "passes"), [(1, False), (-1, True)])
def test_a_critic_that_prefers_samples_is_dominated(many, others, sign, passes):
    brighter = np.minimum(others.astype(int) + 40, 255).astype(np.uint8)
    model = make_checked(Replay(brighter), Brightness(sign))
    table = checks.check(model, many, many.object_ids).set_index("check")
    assert table.loc["critic_preference", "passed"] == passes
    assert 0.3 < table.loc["critic_preference", "limit"] < 0.5
    assert (table.loc["critic_preference", "value"] > 0.5) == passes


def test_a_critic_whose_distance_does_not_fall_dominates(many, others):
    rising = [{"iteration": i, "critic_distance": float(i)} for i in range(20)]
    table = checks.check(make_checked(Replay(others), Brightness(0), rising), many, many.object_ids)
    assert not passed(table)["critic_distance"]
    short = make_checked(Replay(others), Brightness(0), rising[:5])
    assert passed(checks.check(short, many, many.object_ids))["critic_distance"]


def test_a_diverged_training_is_seen(many, others):
    lost = [*falling(), {"iteration": 20, "critic_distance": float("nan")}]
    table = checks.check(
        make_checked(Replay(others), Brightness(float("nan")), lost), many, many.object_ids
    )
    found = passed(table)
    assert not found["finite"] and not found["critic_preference"]


def test_the_smallest_training_set_can_be_checked(draw_store):
    few = draw_store(n=16)
    model = WassersteinGAN(wgan.Options(width=2, n_latent=4, batch_size=2, hold_out=0.0), SHAPE, 1)
    model.history = falling(1)
    table = checks.check(model, few, few.object_ids)
    assert table["value"].notna().all()


def test_samples_are_the_same_for_a_seed(trained):
    generator = trained.wgan.generator
    images = checks.sample(generator, 300, 1)
    assert images.shape == (300, *SHAPE) and images.dtype == np.uint8
    np.testing.assert_array_equal(images, checks.sample(generator, 300, 1))
    assert (images != checks.sample(generator, 300, 2)).any()


def test_judge_is_the_critic_on_every_image(trained, store):
    critic = trained.wgan.critic
    with torch.no_grad():
        expected = critic(as_tensor(store.images)).numpy()
    np.testing.assert_allclose(checks.judge(critic, store.images), expected, rtol=1e-4, atol=1e-5)
    many = np.tile(store.images, (5, 1, 1, 1))
    np.testing.assert_allclose(
        checks.judge(critic, many), np.tile(expected, 5), rtol=1e-4, atol=1e-5
    )


# --- the script


@pytest.fixture
def workplace(store, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with ShardWriter("shard.h5", {"kind": "image"}) as writer:
        for object_id, image in zip(store.object_ids, store.images, strict=True):
            writer.append(object_id, image)
    return tmp_path


def call_script(folder, say, **changes):
    from train_wgan import main

    options = {"width": 2, "n_latent": 4, "iterations": 4, "batch_size": 8, "checkpoint_every": 1}
    options |= {"critic_steps": 1} | changes.pop("options", {})
    about = {"seed": 1, "threads": 1, "code": "a", "libraries": {"torch": "1"}} | changes
    names = ("weights.safetensors", "options.json", "history.csv")
    main(["shard.h5"], *(str(folder / n) for n in names), options=options, say=say, **about)


class Say:
    def __init__(self):
        self.lines = []

    def __call__(self, line):
        self.lines.append(line)

    always = __call__

    def went_on(self):
        return any(line.startswith("goes on from") for line in self.lines)


def test_script_goes_on_only_from_a_checkpoint_of_its_own(workplace):
    call_script(workplace, Say())
    same = Say()
    call_script(workplace, same)
    assert same.went_on()
    for change in (
        {"seed": 2},
        {"code": "b"},
        {"libraries": {"torch": "2"}},
        {"options": {"learning_rate": 1e-3}},
    ):
        other = Say()
        call_script(workplace, other, **copy.deepcopy(change))
        assert not other.went_on(), change
    with ShardWriter("shard.h5", {"kind": "image"}) as writer:
        for i in range(40):
            writer.append(f"new-{i}", np.full(SHAPE, 6 * i, np.uint8))
    other_images = Say()
    call_script(workplace, other_images)
    assert not other_images.went_on()


def test_scripts_write_what_they_promise(workplace):
    from check_wgan import main

    call_script(workplace, Say())
    history = tables.read("history", workplace / "history.csv")
    assert history["iteration"].tolist() == [4]
    say = Say()
    names = ("weights.safetensors", "options.json", "history.csv", "checks.csv")
    limits = {"min_diversity": 1e6, "min_coverage": 0.0}
    main(["shard.h5"], *names, limits=limits, seed=1, say=say)
    found = tables.read("checks", "checks.csv").set_index("check")
    assert {"critic_preference", "critic_distance", "finite"} < set(found.index)
    assert found["passed"]["coverage"] and not found["passed"]["diversity"]
    assert any("CHECK FAILED: diversity" in line for line in say.lines)
