"""Removing an environment, whatever is in it and whatever is left of it."""

from __future__ import annotations

import errno
import os

import pytest

from localrun.environments import removal
from localrun.environments.places import find_places
from localrun.environments.removal import remove_environment, remove_tree, share_caches
from localrun.errors import StoreFailed


def test_folders_that_nobody_may_write_are_removed(refusable):
    inner = os.path.join(refusable, "e", "locked", "deep")
    os.makedirs(inner)
    for name in ("a", "b"):
        with open(os.path.join(inner, name), "wb"):
            pass
    for folder in (inner, os.path.dirname(inner)):
        os.chmod(folder, 0o500)
    remove_tree(os.path.join(refusable, "e"))
    assert os.listdir(refusable) == []


def test_what_cannot_be_removed_is_named(refusable):
    with pytest.raises(StoreFailed, match=r"/proc/self\S* cannot be removed: ") as caught:
        remove_tree("/proc/self/fdinfo")  # the kernel's own, whoever asks
    assert caught.value.code == "store_read_only"


def test_what_is_not_there_is_removed_already(tmp_path):
    remove_tree(str(tmp_path / "none"))


def test_a_file_that_is_written_meanwhile_is_removed_too(tmp_path, monkeypatch):
    import shutil

    (tmp_path / "e").mkdir()
    real, left = shutil.rmtree, [2]

    def race(path, **more):
        if left[0]:
            left[0] -= 1
            raise OSError(errno.ENOTEMPTY, os.strerror(errno.ENOTEMPTY), path)
        real(path, **more)

    monkeypatch.setattr(shutil, "rmtree", race)
    remove_tree(str(tmp_path / "e"))
    assert os.listdir(tmp_path) == []


def test_the_versions_stay_for_the_next_one_unless_it_is_asked_for_anew(tmp_path):
    places = find_places(str(tmp_path), "azureml_0123")
    said = []
    for asked in (False, True):
        os.makedirs(places.prefix)
        for path in (places.record, places.versions):
            with open(path, "wb"):
                pass
        remove_environment(places, lambda progress: said.append(progress.text), "making it", asked=asked)
        assert os.path.exists(places.versions) is not asked
        assert not os.path.exists(places.record)
        assert not os.path.exists(places.prefix)
    assert said[0].startswith("found a changed environment from ")
    assert said[1].startswith("found an environment from ")
    with open(places.record, "wb"):
        pass
    remove_environment(places, lambda progress: said.append(progress.text), "making it")
    assert said[2] == "found a changed environment, making it"  # of which only the record is left


def test_what_killed_builders_left_is_tidied_by_whoever_is_alone(tmp_path):
    cache = tmp_path / "cache"
    (cache / "conda" / ".pkg1" / "x").mkdir(parents=True)
    (cache / "uv").mkdir()
    (cache / "uv" / ".tmp2").write_text("")
    (cache / "uv" / "kept").write_text("")
    os.makedirs(os.path.dirname(removal.cache_lock(str(tmp_path))), exist_ok=True)
    first = share_caches(str(tmp_path))
    assert (os.listdir(cache / "conda"), os.listdir(cache / "uv")) == ([], ["kept"])
    (cache / "uv" / ".tmp3").write_text("")
    second = share_caches(str(tmp_path))
    assert ".tmp3" in os.listdir(cache / "uv")  # the first one may be writing it
    os.close(first)
    os.close(second)
