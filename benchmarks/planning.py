"""Planning time: `snakemake -n` of the default chain against the number of catalogue rows.

    python benchmarks/planning.py [--rows 1000 10000 100000 1000000] [--output FILE.csv]

For each size a CSV catalogue with positions is written for the simulated survey; nothing is drawn
and nothing runs. What counts is the wall time of the whole command, start of Python included; its
CPU time stands beside it, since planning has one thread and other work may share the machine.
"""

import argparse
import csv
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

ROOT = Path(__file__).resolve().parents[1]


def write(folder: Path, n_rows: int) -> None:
    """A catalogue of ``n_rows`` and the default configuration on it."""
    rng = np.random.default_rng(0)
    catalogue = pd.DataFrame(
        {
            "object_id": 4 * 10**16 + np.arange(n_rows),
            "ra": rng.uniform(150, 200, n_rows).round(6),
            "dec": rng.uniform(-2, 2, n_rows).round(6),
            "i_mag": rng.uniform(20, 20.5, n_rows).round(3),
        }
    )
    catalogue.to_csv(folder / "catalogue.csv", index=False)
    config = yaml.safe_load((ROOT / "config" / "config.yaml").read_text())
    config["batches"] = [
        {"name": "first", "catalogue": "catalogue.csv", "select": ["i_mag < 20.5"]}
    ]
    (folder / "config.yaml").write_text(yaml.safe_dump(config, sort_keys=False))


def plan(folder: Path) -> dict[str, float]:
    """Wall and CPU time (s), number of jobs and number of shards of one dry run."""
    command = [sys.executable, "-m", "snakemake", "-n", "--snakefile", str(ROOT / "Snakefile")]
    command += ["--cores", "2", "--quiet", "rules", "--configfile", "config.yaml"]
    started, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    said = done.stdout + done.stderr
    if done.returncode:
        sys.exit(said)
    jobs = {name: int(n) for name, n in re.findall(r"^(\w+) +(\d+)$", said, re.MULTILINE)}
    return {
        "seconds": seconds,
        "cpu_seconds": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
        "jobs": jobs["total"],
        "shards": jobs["make_images"],
    }


def measure(n_rows: int, repeats: int) -> dict[str, float]:
    """One row of the table: the fastest, the middle and the slowest of the repeats."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(folder, n_rows)
        runs = [plan(folder) for _ in range(repeats)]
    seconds = sorted(run["seconds"] for run in runs)
    return {
        "rows": n_rows,
        "shards": runs[0]["shards"],
        "jobs": runs[0]["jobs"],
        "seconds_min": round(seconds[0], 2),
        "seconds_median": round(statistics.median(seconds), 2),
        "seconds_max": round(seconds[-1], 2),
        "cpu_seconds_median": round(statistics.median(run["cpu_seconds"] for run in runs), 2),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, nargs="+", default=[10**3, 10**4, 10**5, 10**6])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--output", type=Path, help="CSV file for the table")
    arguments = parser.parse_args()

    rows = [measure(n, arguments.repeats) for n in arguments.rows]
    print("| rows | shards | jobs | seconds, median [min, max] | CPU seconds |")
    print("|---:|---:|---:|---:|---:|")
    for r in rows:
        spread = f"{r['seconds_median']} [{r['seconds_min']}, {r['seconds_max']}]"
        cpu = r["cpu_seconds_median"]
        print(f"| {r['rows']:,} | {r['shards']} | {r['jobs']:,} | {spread} | {cpu} |")
    if arguments.output:
        with arguments.output.open("w", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)


if __name__ == "__main__":
    main()
