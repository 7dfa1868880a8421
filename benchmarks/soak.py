"""Many objects through the worst mix of faults, with kills: is every one accounted for?

    python benchmarks/soak.py [--objects 10000] [--kills 20]

A stand-in of the Legacy Surveys' viewer (tests/servers) answers with every fault that it knows,
and the fetching process is killed (SIGKILL) again and again. At the end every object must have its
one answer, every image must be the drawn sky's, and no object may have been fetched again that was
there already, but for those under way when a kill came. Prints counts, time and peak memory.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "workflow")]

SIZE_PX, SCALE_ARCSEC, BANDS, CONNECTIONS = 24, 0.262, "grz", 6
FOOTPRINT = (150.0, 159.5, -5.0, 5.0)  # the last twentieth of the objects lies outside
MIX = {
    **dict.fromkeys(("error_500", "error_502", "error_503", "too_many", "too_many_date"), 0.03),
    **dict.fromkeys(("reset", "truncate", "html", "wrong_size", "wrong_bands"), 0.03),
    **dict.fromkeys(("hang", "drip", "all_nan", "all_zero"), 0.005),
}


def targets(n: int) -> pd.DataFrame:
    ids = [f"object-{i:06}" for i in range(n)]
    ra = 150 + 10 * (np.arange(n) + 0.5) / n
    return pd.DataFrame({"object_id": ids, "ra_deg": ra, "dec_deg": np.linspace(-2, 2, n)})


def fetch_all(url: str, n: int) -> None:
    """One fetching process; says the answers' statuses and its peak memory at the end."""
    from hoag.surveys import legacy
    from hoag.surveys._types import Cutout

    options = legacy.Options(
        base_url=f"{url}/viewer",
        size_px=SIZE_PX,
        bands=tuple(BANDS),
        connections=CONNECTIONS,
        backoff_s=0.02,
        read_timeout_s=0.5,
        retries=8,
    )
    statuses, images = {}, {}
    answers = legacy.fetch(targets(n), legacy.Batch(), options, seed=0, name="soak")
    for i, answer in enumerate(answers):
        status = "ok" if isinstance(answer, Cutout) else answer.status
        statuses[status] = statuses.get(status, 0) + 1
        if isinstance(answer, Cutout) and i % 50 == 0:
            images[answer.object_id] = answer.pixels
    np.savez("images.npz", **images)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"statuses": statuses, "peak_mib": peak}))


def wrong_images(sky, n: int) -> tuple[int, int]:
    """How many of the images that were kept are not the drawn sky's, and how many there are."""
    rows = targets(n).set_index("object_id")
    with np.load("images.npz") as images:
        wrong = 0
        for object_id in images.files:
            place = rows.loc[object_id]
            expected = [
                sky.cutout(place.ra_deg, place.dec_deg, b, (SIZE_PX, SIZE_PX), SCALE_ARCSEC)
                for b in BANDS
            ]
            expected = np.nan_to_num(expected)  # the viewer gives zero where there are no data
            wrong += not np.allclose(images[object_id], expected, rtol=1e-3, atol=1e-4)
        return wrong, len(images.files)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--objects", type=int, default=10_000)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--url", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    n, n_kills = arguments.objects, arguments.kills
    if arguments.url:
        fetch_all(arguments.url, n)
        return

    from tests.servers import Faults, Sky, make, serving

    sky, script = Sky(footprint=FOOTPRINT), Path(__file__).resolve()
    faults = Faults(make("legacy", sky), MIX, retry_after_s=0.1, drip_s=0.01)
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder, serving(faults) as url:
        os.chdir(folder)
        command = [sys.executable, str(script), "--url", url, "--objects", str(n)]
        for kill in range(n_kills):
            process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
            upto = faults.stats.count() + n // (2 * n_kills) + kill
            while faults.stats.count() < upto and process.poll() is None:
                time.sleep(0.005)
            process.kill()
            process.wait()
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        found = json.loads(done.stdout)
        wrong, looked_at = wrong_images(sky, n)

    n_good = faults.stats.count(path="/viewer/cutout.fits", outcome="200")
    n_ok, n_outside = (found["statuses"].get(k, 0) for k in ("ok", "outside"))
    again = n_good - n_ok
    print(f"{n} objects, {n_kills} kills, {time.monotonic() - started:.0f} s")
    print(f"answers: {found['statuses']}; in all {sum(found['statuses'].values())}")
    print(f"requests: {faults.stats.count()}; whole images sent {n_good}, {again} more than kept")
    print(f"images looked at: {looked_at}, of them not the drawn sky's: {wrong}")
    print(f"peak memory of the last process: {found['peak_mib']:.0f} MiB")
    if wrong or sum(found["statuses"].values()) != n or again > n_kills * 2 * CONNECTIONS:
        sys.exit("objects are lost, wrong, or fetched twice")
    print(f"outside: {n_outside}")


if __name__ == "__main__":
    main()
