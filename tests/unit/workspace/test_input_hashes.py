"""What inputs held, and whether they are what they were."""

from __future__ import annotations

import os

from localrun.workspace.input_hashes import InputHashing, find_change, hash_content


def known(path):
    hashing = InputHashing({"d": str(path)})
    hashing.start()
    while (found := hashing.finish()) is None or "d" not in found or found["d"]["sha256"] is None:
        hashing = InputHashing({"d": str(path)})
        hashing.start()
    return found["d"]


def test_folder_that_was_touched_is_what_it_was_and_a_changed_one_is_not(tmp_path):
    (tmp_path / "in" / "deep").mkdir(parents=True)
    (tmp_path / "in" / "deep" / "a").write_text("1")
    before = known(tmp_path / "in")
    assert find_change(str(tmp_path / "in"), before) == ""
    os.utime(tmp_path / "in" / "deep" / "a", (1, 1))
    assert find_change(str(tmp_path / "in"), before) == ""
    (tmp_path / "in" / "deep" / "a").write_text("2")
    assert "it has changed" in find_change(str(tmp_path / "in"), before)


def test_touched_input_whose_content_was_not_hashed_cannot_be_told(tmp_path):
    (tmp_path / "a").write_text("1")
    before = known(tmp_path / "a") | {"sha256": None}
    assert find_change(str(tmp_path / "a"), before) == ""
    os.utime(tmp_path / "a", (1, 1))
    assert "not hashed" in find_change(str(tmp_path / "a"), before)
    assert "nothing was kept" in find_change(str(tmp_path / "a"), None)


def test_input_that_is_gone_is_told_with_its_name(tmp_path):
    (tmp_path / "a").write_text("1")
    before = known(tmp_path / "a")
    os.unlink(tmp_path / "a")
    assert f"{tmp_path}/a" in find_change(str(tmp_path / "a"), before)


def test_hashing_that_is_stopped_gives_nothing(tmp_path):
    (tmp_path / "a").write_text("1")
    assert hash_content(str(tmp_path / "a"), lambda: True) is None


def test_no_inputs_need_no_thread():
    hashing = InputHashing({})
    hashing.start()
    assert hashing.finish() == {}


def test_a_link_that_leads_nowhere_and_a_pipe_do_not_stop_the_hashing(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a").write_text("1")
    plain = hash_content(str(tmp_path / "in"), lambda: False)
    (tmp_path / "in" / "nowhere").symlink_to("gone")
    os.mkfifo(tmp_path / "in" / "pipe")
    before = known(tmp_path / "in")
    assert before["sha256"] == plain  # of contents, and these have none
    (tmp_path / "in" / "nowhere").unlink()
    (tmp_path / "in" / "nowhere").symlink_to("nope")
    assert find_change(str(tmp_path / "in"), before) == ""


def test_an_input_that_cannot_be_looked_through_is_not_known_of_and_the_next_one_is(tmp_path):
    (tmp_path / "a").write_text("1")
    hashing = InputHashing({"gone": str(tmp_path / "gone"), "a": str(tmp_path / "a")})
    hashing.start()
    hashing._thread.join()
    assert set(hashing.finish()) == {"a"}
