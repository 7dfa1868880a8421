"""``python -m tests.servers legacy --port 8001 --faults error_500=0.1,hang=0.02 --seed 1``."""

from tests.servers._run import main

main()
