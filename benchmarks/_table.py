"""What every benchmark does with its numbers."""

import csv
import statistics
from pathlib import Path
from typing import Any


def spread(name: str, values: list[float]) -> dict[str, float]:
    """Minimum, median and maximum of some repeats."""
    return {
        f"{name}_min": min(values),
        f"{name}_median": statistics.median(values),
        f"{name}_max": max(values),
    }


def save(rows: list[dict[str, Any]], path: Path | None) -> None:
    """Write the table as CSV, if a path is given."""
    if path:
        with open(path, "w", newline="") as file:
            writer = csv.DictWriter(file, rows[0])
            writer.writeheader()
            writer.writerows(rows)
