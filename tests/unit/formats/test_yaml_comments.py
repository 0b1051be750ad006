from __future__ import annotations

import pytest

from localrun.formats.dump import dump_yaml
from localrun.formats.gate import load_yaml
from localrun.formats.yaml_comments import keep_comments

OLD = b"""\
# my project

# what runs
script: train.py  # the one that trains
node_count: 1
docker:
  # a container?
  useDocker: false # not yet
  arguments:
  - '#1'  # no comment of a key
text: |
  # no comment, text
  more
url: http://a#b
# the end
"""


def rewrite(old, **changes):
    data = load_yaml(old, file="").data | changes
    return keep_comments(old, dump_yaml(data).encode()).decode()


def test_comments_stay_at_their_keys():
    assert rewrite(OLD, node_count=3).splitlines() == [
        "# my project",
        "# what runs",
        "script: train.py  # the one that trains",
        "node_count: 3",
        "docker:",
        "  # a container?",
        "  useDocker: false  # not yet",
        "  arguments:",
        "  - '#1'",
        'text: "# no comment, text\\nmore\\n"',
        "url: http://a#b",
        "# the end",
    ]


def test_a_key_in_another_spelling_keeps_its_comment():
    assert keep_comments(b"# nodes\nnode_count: 1\n", b"nodeCount: 1\n") == b"# nodes\nnodeCount: 1\n"


def test_a_comment_whose_key_is_gone_is_left_out():
    assert keep_comments(b"# a\na: 1\n# b\nb: 2\n", b"b: 2\n") == b"# b\nb: 2\n"


@pytest.mark.parametrize("old", [b"", b"# only a comment\n", b"a: 1\n", b"\xef\xbb\xbfa: 1\r\n"])
def test_a_file_without_comments_changes_nothing(old):
    assert keep_comments(old, b"a: 2\n") == b"a: 2\n"


def test_a_very_long_file_is_written_without_its_comments():
    assert keep_comments(b"# x\n" * 3000 + b"a: 1\n", b"a: 1\n") == b"a: 1\n"
