"""Sum arrays over the ranks of a run: every rank connects to rank 0, which adds up and sends the sum back.

Each rank says hello with its number; after that a message is its length (8 bytes, big endian) and its bytes.
Rank 0 adds in the order of the ranks, so all ranks hold the same bits afterwards.
"""

from __future__ import annotations

import socket
import struct
import time

import numpy as np

LENGTH = struct.Struct("!Q")
HELLO = struct.Struct("!8sII")
MAGIC = b"digits/1"


class ExchangeError(Exception):
    """A rank could not be reached, or went away."""


class Group:
    """The ranks of one run, connected until `close`."""

    def __init__(self, rank: int, world_size: int, address: str, port: int, timeout_s: float = 120) -> None:
        self.rank, self.world_size, self.timeout_s = rank, world_size, timeout_s
        self.sockets: dict[int, socket.socket] = {}
        deadline = time.monotonic() + timeout_s
        if rank:
            self.sockets[0] = connect(address, port, deadline)
            self.sockets[0].settimeout(timeout_s)
            self.sockets[0].sendall(HELLO.pack(MAGIC, rank, world_size))
        elif world_size > 1:
            self.accept(address, port, deadline)

    def accept(self, address: str, port: int, deadline: float) -> None:
        with socket.create_server((address, port), backlog=self.world_size) as server:
            while len(self.sockets) < self.world_size - 1:
                server.settimeout(max(0.001, deadline - time.monotonic()))
                try:
                    caller, _ = server.accept()
                except TimeoutError:
                    missing = sorted(set(range(1, self.world_size)) - set(self.sockets))
                    raise ExchangeError(f"ranks {missing} did not connect to {address}:{port}") from None
                caller.settimeout(self.timeout_s)
                magic, rank, world_size = HELLO.unpack(read(caller, HELLO.size, "a caller"))
                if magic != MAGIC or world_size != self.world_size or rank in self.sockets:
                    raise ExchangeError(f"rank {rank} of {world_size} does not belong to this run, or came twice")
                self.sockets[rank] = caller

    def send(self, rank: int, message: bytes) -> None:
        try:
            self.sockets[rank].sendall(LENGTH.pack(len(message)) + message)
        except OSError as error:
            raise ExchangeError(f"rank {rank} cannot be sent to: {error}") from error

    def gather(self, message: bytes) -> list[bytes]:
        """Give rank 0 the messages of all ranks, in their order; the others get an empty list."""
        if self.rank:
            self.send(0, message)
            return []
        return [message, *(receive(self.sockets[rank], f"rank {rank}") for rank in range(1, self.world_size))]

    def all_reduce(self, array: np.ndarray) -> np.ndarray:
        """Give every rank the sum of the arrays (float64, of one shape) of all ranks."""
        parts = self.gather(array.astype(np.float64).tobytes())
        if self.rank:
            total = receive(self.sockets[0], "rank 0")
        else:
            total = np.sum([np.frombuffer(part) for part in parts], axis=0).tobytes()
            for rank in self.sockets:
                self.send(rank, total)
        return np.frombuffer(total).reshape(array.shape)

    def close(self) -> None:
        for connection in self.sockets.values():
            connection.close()


def connect(address: str, port: int, deadline: float) -> socket.socket:
    while True:
        try:
            return socket.create_connection((address, port), timeout=max(0.001, deadline - time.monotonic()))
        except OSError as error:
            if time.monotonic() > deadline:
                raise ExchangeError(f"rank 0 does not listen on {address}:{port}: {error}") from error
            time.sleep(0.02)


def receive(connection: socket.socket, sender: str) -> bytes:
    return read(connection, *LENGTH.unpack(read(connection, LENGTH.size, sender)), sender)


def read(connection: socket.socket, size: int, sender: str) -> bytes:
    data = bytearray()
    while len(data) < size:
        try:
            part = connection.recv(size - len(data))
        except OSError as error:
            raise ExchangeError(f"{sender} does not answer: {error}") from error
        if not part:
            raise ExchangeError(f"{sender} hung up")
        data += part
    return bytes(data)
