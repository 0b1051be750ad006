"""What masking costs: megabytes a second through the filter of a log, with 1, 3 and 10 secrets, against none.

    python benchmarks/masking.py [ROUNDS] [MEGABYTES]

Without secrets there is no filter: that is the write alone.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time

from pairs import Row, Sample, alternate, pick, print_table

from localrun.secrets.masks import Mask, list_needles
from localrun.secrets.search import Search
from localrun.supervise.pump import ROOM_BYTES

LINE = b"epoch 3 step 1234 loss 0.12345 accuracy 0.9876 eta 12.3s lr 0.00010000 grad_norm 1.2345 tokens 123456\n"
SECRETS = (0, 1, 3, 10)


def filter_once(secrets: int, megabytes: int) -> Sample:
    needles = list_needles([os.urandom(12).hex() + "/+Zz" for _ in range(secrets)])
    load = (LINE * (ROOM_BYTES // len(LINE) + 1))[:ROOM_BYTES]
    with tempfile.TemporaryFile() as log:
        mask = Mask(Search(needles)) if needles else None
        times = max(1, megabytes * 1_000_000 // len(load))
        began = time.perf_counter()
        for _ in range(times):
            os.write(log.fileno(), load if mask is None else mask.filter(load))
        return {"speed": times * len(load) / (time.perf_counter() - began) / 1e6}


def measure(rounds: int = 5, megabytes: int = 100) -> list[Row]:
    sides = {str(secrets): lambda secrets=secrets: filter_once(secrets, megabytes) for secrets in SECRETS}
    found = {name: pick(samples, "speed") for name, samples in alternate(sides, rounds).items()}
    least = {"1": 200.0}
    return [
        Row(f"a log, secrets to mask: {name}", "MB/s", found[name], found["0"], "no secrets", least=least.get(name))
        for name in list(found)[1:]
    ]


QUICK = {"megabytes": 4}

if __name__ == "__main__":
    print_table(measure(*map(int, sys.argv[1:])))
