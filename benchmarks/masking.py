"""What masking costs: megabytes a second through the filter of a log, with 0, 1, 3 and 10 secrets.

    python benchmarks/masking.py [MEGABYTES]

Goal: 200 MB/s without secrets, where there is no filter, and with one.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time

from localrun.secrets.masks import Mask, list_needles
from localrun.secrets.search import Search
from localrun.supervise.pump import ROOM_BYTES

LINE = b"epoch 3 step 1234 loss 0.12345 accuracy 0.9876 eta 12.3s lr 0.00010000 grad_norm 1.2345 tokens 123456\n"


def measure(secrets: int, megabytes: int) -> float:
    needles = list_needles([os.urandom(12).hex() + "/+Zz" for _ in range(secrets)])
    load = (LINE * (ROOM_BYTES // len(LINE) + 1))[:ROOM_BYTES]
    with tempfile.TemporaryFile() as log:
        mask = Mask(Search(needles)) if needles else None
        times = megabytes * 1_000_000 // len(load)
        began = time.perf_counter()
        for _ in range(times):
            os.write(log.fileno(), load if mask is None else mask.filter(load))
        return times * len(load) / (time.perf_counter() - began) / 1e6


def main() -> int:
    megabytes = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    for secrets in (0, 1, 3, 10):
        best = max(measure(secrets, megabytes) for _ in range(3))
        print(f"{secrets:2} secrets: {best:6.0f} MB/s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
