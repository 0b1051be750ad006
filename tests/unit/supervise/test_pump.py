from __future__ import annotations

import os

import pytest

from localrun.supervise.pump import PIPE_BYTES, Pump


@pytest.fixture
def room():
    return memoryview(bytearray(PIPE_BYTES))


def connect(pump):
    """Give the end of a new pipe that the pump listens to."""
    source, inlet = os.pipe()
    os.set_blocking(source, False)
    pump.listen(source)
    return inlet


def test_bytes_reach_the_file_unchanged(tmp_path, room):
    pump = Pump(str(tmp_path / "log"), room)
    inlet = connect(pump)
    data = bytes(range(256)) * 100
    os.write(inlet, data)
    assert pump.move() == len(data)
    assert pump.move() == 0  # nothing more, the pipe is still open
    assert pump.source >= 0
    os.write(inlet, b"no newline")
    os.close(inlet)
    pump.drain()
    assert (tmp_path / "log").read_bytes() == data + b"no newline"
    assert (pump.source, pump.stored, pump.dropped) == (-1, len(data) + 10, 0)
    assert pump.move() == 0
    pump.close()


def test_file_is_private_and_never_one_that_was_there(tmp_path, room):
    pump = Pump(str(tmp_path / "log"), room)
    assert (tmp_path / "log").stat().st_mode & 0o777 == 0o600
    with pytest.raises(FileExistsError):
        Pump(str(tmp_path / "log"), room)
    pump.close()


def test_bytes_that_the_file_does_not_take_are_counted_and_the_pipe_is_emptied(tmp_path, room):
    pump = Pump(str(tmp_path / "log"), room)
    full = os.open("/dev/full", os.O_WRONLY)
    os.dup2(full, pump._file)
    os.close(full)
    inlet = connect(pump)
    for _ in range(3):
        os.write(inlet, b"x" * 60_000)
        assert pump.move() == 60_000
    assert (pump.stored, pump.dropped) == (0, 180_000)
    os.close(inlet)
    pump.close()
