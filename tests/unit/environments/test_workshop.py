from __future__ import annotations

import os

from localrun.environments.workshop import open_workshop


def test_workshop_goes_with_its_work_and_what_a_killed_one_has_left_with_the_next(tmp_path):
    left = tmp_path / "cache" / ".tmpleft"
    left.mkdir(parents=True)
    with open_workshop(str(tmp_path)) as workshop:
        assert not left.exists()
        with open_workshop(str(tmp_path)):
            os.write(workshop.log, b"others who work here are left alone")
            assert os.listdir(workshop.folder) == ["log"]
    assert not [name for name in os.listdir(tmp_path / "cache") if name.startswith(".tmp")]
