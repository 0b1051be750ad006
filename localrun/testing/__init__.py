"""What tests of localrun, and of programs that use it, need: a conda channel without the internet, and faults.

What lives here: tools that make real things, and fakes of ports. What does not: tests, and anything that a run needs.

    make_channel   a channel with python, pip and setuptools, made from an interpreter of this machine
    make_package   one more package in a channel: a wheel, a folder, or something deliberately odd
    FakeFiles, FakeEngine    the ports that read files and make environments, without either
    serve          a channel (or any folder) by HTTP on loopback, misbehaving where it is told to

`python -m localrun.testing channel DIR` makes a channel by command.
"""

from __future__ import annotations

from localrun.testing.archive import write_archive
from localrun.testing.channel import make_channel, make_package
from localrun.testing.fakes import FakeEngine, FakeFiles
from localrun.testing.packages import Package, PackageFile, read_distribution, read_folder, read_wheel
from localrun.testing.repodata import index_channel, spoil_repodata
from localrun.testing.server import Fault, Request, Server, serve

__all__ = [
    "FakeEngine",
    "FakeFiles",
    "Fault",
    "Package",
    "PackageFile",
    "Request",
    "Server",
    "index_channel",
    "make_channel",
    "make_package",
    "read_distribution",
    "read_folder",
    "read_wheel",
    "serve",
    "spoil_repodata",
    "write_archive",
]
