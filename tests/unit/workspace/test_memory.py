from __future__ import annotations

import os

from localrun.workspace.memory import MOST_FILES, keep, locate, recall


def test_what_was_kept_is_recalled(tmp_path):
    path = locate(str(tmp_path), "key\udcff")
    assert recall(path) is None
    item = ("text\udcff", 1, (b"x",), {"a": True, "b": None})
    keep(path, item)
    assert recall(path) == item
    assert os.listdir(tmp_path / "plans") == [os.path.basename(path)]
    assert os.stat(path).st_mode & 0o777 == 0o600


def test_every_flipped_or_missing_byte_is_noticed(tmp_path):
    path = locate(str(tmp_path), "key")
    keep(path, ("a", 1, {"b": 2}))
    with open(path, "rb") as file:
        whole = file.read()
    broken = [whole[:cut] for cut in range(len(whole))]
    broken += [whole[:at] + bytes([whole[at] ^ 0x40]) + whole[at + 1 :] for at in range(len(whole))]
    for data in broken:
        with open(path, "wb") as file:
            file.write(data)
        assert recall(path) is None


def test_what_cannot_be_kept_is_passed_over(tmp_path):
    keep(locate(str(tmp_path), "key"), (object(),))
    assert recall(locate(str(tmp_path), "key")) is None
    home = tmp_path / "home"
    home.mkdir()
    os.makedirs(locate(str(home), "key"))  # in the way
    keep(locate(str(home), "key"), (1,))
    assert recall(locate(str(home), "key")) is None


def test_the_oldest_go_when_there_are_too_many(tmp_path):
    for number in range(MOST_FILES):
        path = locate(str(tmp_path), str(number))
        keep(path, number)
        os.utime(path, (number, number))
    keep(locate(str(tmp_path), "newest"), "newest")
    assert recall(locate(str(tmp_path), "newest")) == "newest"
    assert recall(locate(str(tmp_path), "0")) is None
    assert recall(locate(str(tmp_path), str(MOST_FILES - 1))) == MOST_FILES - 1
    assert len(os.listdir(tmp_path / "plans")) <= MOST_FILES // 2 + 1


def test_what_has_the_right_checksum_but_is_of_another_python_is_nothing(tmp_path):
    import zlib

    for data in (b"", b"\xff", b"["):
        (tmp_path / "kept").write_bytes(zlib.crc32(data).to_bytes(4, "big") + data)
        assert recall(str(tmp_path / "kept")) is None
