from __future__ import annotations

import os
import sqlite3
import stat

import pytest

from localrun.errors import BadInput, EnvironmentNotFound, StoreFailed
from localrun.workspace import registry

GOLDEN = "c71f7c489e5ad4f1131685c3711f3d17aa9e22a58e0e1c11aa0486b58f638b4f"
"""Content hash of `make_document()`; the same on every platform and Python version."""


def make_document(package="numpy", name="any", version=None):
    return {
        "name": name, "version": version, "environmentVariables": {"A": "1", "B": "ü"},
        "python": {"condaDependencies": {"channels": ["conda-forge"], "dependencies": ["python=3.11", package]}},
        "docker": {"baseImage": "python:3.11"}, "assetId": None,
    }  # fmt: skip


@pytest.fixture
def home(tmp_path):
    return str(tmp_path)


def test_unchanged_definition_gives_the_version_that_exists(home):
    first = registry.register(home, "train", make_document())
    again = registry.register(home, "train", make_document(name="other", version="9") | {"assetId": "x"})
    assert first.version == "1"
    assert again == first
    assert first.labels == ("latest",)


def test_order_of_environment_variables_is_no_change(home):
    registry.register(home, "train", make_document())
    swapped = make_document() | {"environmentVariables": {"B": "ü", "A": "1"}}
    assert registry.register(home, "train", swapped).version == "1"


def test_change_gives_the_next_version_and_the_old_one_stays(home):
    registry.register(home, "train", make_document())
    assert registry.register(home, "train", make_document("scipy")).version == "2"
    assert registry.register(home, "train", make_document()).version == "3"
    _, document = registry.get(home, "train", version="1")
    assert document == make_document(name="train", version="1")
    assert registry.get(home, "train")[0].version == "3"


def test_chosen_version_is_immutable_and_the_next_number_follows_the_largest(home):
    assert registry.register(home, "train", make_document(), version="7").version == "7"
    assert registry.register(home, "train", make_document(), version="7").version == "7"
    with pytest.raises(BadInput, match="version 7 with another definition"):
        registry.register(home, "train", make_document("scipy"), version="7")
    assert registry.register(home, "train", make_document("scipy"), version="beta").version == "beta"
    assert registry.register(home, "train", make_document("dask")).version == "8"


def test_numbers_too_large_and_words_do_not_count_for_the_next_version(home):
    for number, version in enumerate(("9" * 30, "1.5", "007", "Autosave_x", "2026-01-02")):
        registry.register(home, "train", make_document(f"p{number}"), version=version)
    assert registry.register(home, "train", make_document("q")).version == "8"


def test_keys_come_back_in_the_order_of_the_document(home):
    registry.register(home, "train", make_document())
    assert list(registry.get(home, "train")[1]) == list(make_document())


def test_anonymous_version_is_not_listed_and_found_by_version(home):
    made = registry.register_anonymously(home, "train", make_document())
    assert made.anonymous
    assert made.version.startswith("Autosave_")
    assert registry.register_anonymously(home, "train", make_document()) == made
    assert registry.names(home) == []
    assert registry.get(home, "train") is None
    with pytest.raises(EnvironmentNotFound):
        registry.history(home, "train")
    assert registry.get(home, "train", version=made.version)[1]["docker"] == {"baseImage": "python:3.11"}
    assert registry.register(home, "train", make_document("scipy")).version == "1"


def test_anonymous_registration_of_a_registered_definition_is_that_version(home):
    registry.register(home, "train", make_document())
    registry.register(home, "train", make_document("scipy"))
    assert registry.register_anonymously(home, "train", make_document()).version == "1"


def test_labels_move_and_latest_moves_by_itself(home):
    registry.register(home, "train", make_document())
    registry.register(home, "train", make_document("scipy"))
    registry.set_labels(home, "train", "1", ["prod", "old"])
    registry.set_labels(home, "train", "2", ["prod"])
    assert registry.get(home, "train", label="prod")[0].version == "2"
    assert [(item.version, item.labels) for item in registry.history(home, "train")] == [
        ("2", ("latest", "prod")), ("1", ("old",)),
    ]  # fmt: skip
    with pytest.raises(BadInput, match="latest"):
        registry.set_labels(home, "train", "1", ["latest"])
    with pytest.raises(EnvironmentNotFound, match="no version 3"):
        registry.set_labels(home, "train", "3", ["prod"])


def test_list_gives_latest_version_and_count_by_name(home):
    for name, package in (("b", "x"), ("a", "x"), ("b", "y")):
        registry.register(home, name, make_document(package))
    assert [row[:3] for row in registry.names(home)] == [("a", "1", 1), ("b", "2", 2)]
    assert registry.documents(home)["b"] == make_document("y", name="b", version="2")


@pytest.mark.parametrize(
    "name",
    [
        "",
        "..",
        "a..b",
        "a/b",
        "/a",
        "a\nb",
        "a\x1b[31m",
        ".a",
        "-a",
        "a b",
        "ä",
        "a" * 256,
        "a\0",
        "\ud800",
        "a:1",
        None,
        3,
    ],
)
def test_names_that_could_leave_the_workspace_or_the_line_are_refused(home, name):
    with pytest.raises(BadInput):
        registry.register(home, name, make_document())
    assert os.listdir(home) == []


@pytest.mark.parametrize("bad", [float("nan"), {1, 2}, b"x", "x" * (5 << 20)])
def test_document_that_json_cannot_hold_leaves_what_was_there(home, bad):
    registry.register(home, "train", make_document())
    before = registry.get(home, "train")
    with pytest.raises(BadInput):
        registry.register(home, "train", make_document() | {"environmentVariables": {"A": bad}})
    assert registry.get(home, "train") == before


def test_document_nested_too_deeply_is_refused(home):
    deep: list = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(BadInput, match="deeply"):
        registry.register(home, "train", make_document() | {"spark": deep})


def test_password_is_not_stored(tmp_path, home):
    docker = {"baseImage": "a", "baseImageRegistry": {"address": "r.example", "password": "hunter2"}}
    registry.register(home, "train", make_document() | {"docker": docker})
    assert registry.get(home, "train")[1]["docker"]["baseImageRegistry"]["password"] == "${PASSWORD_OF_R_EXAMPLE}"
    assert all(b"hunter2" not in path.read_bytes() for path in tmp_path.iterdir())


def test_nothing_is_made_by_looking(home):
    assert registry.names(home) == []
    assert registry.get(home, "train") is None
    with pytest.raises(EnvironmentNotFound, match="there is no environment train"):
        registry.history(home, "train")
    assert os.listdir(home) == []


def test_unknown_name_suggests_the_nearest(home):
    registry.register(home, "training", make_document())
    assert "did you mean training" in registry.not_found(home, "trainin").hint


def test_file_is_ours_alone(home):
    registry.register(home, "train", make_document())
    assert {stat.S_IMODE(os.stat(os.path.join(home, name)).st_mode) for name in os.listdir(home)} == {0o600}


def overwrite_the_middle(path):
    """Damage what lies behind the first page: the file opens, and its rows cannot be read."""
    data = bytearray(path.read_bytes())
    data[4096:] = b"x" * (len(data) - 4096)
    path.write_bytes(data)


DAMAGES = [lambda path: path.write_bytes(b"x" * 9000), lambda path: path.write_bytes(b""), overwrite_the_middle]


@pytest.mark.parametrize("damage", [*DAMAGES, lambda path: path.unlink()])
@pytest.mark.parametrize("write", [False, True])
def test_damaged_file_is_made_again_and_kept(tmp_path, home, damage, write, capsys):
    registry.register(home, "train", make_document("x"))
    registry.register(home, "train", make_document("y"))
    registry.register(home, "other", make_document("y"), version="v7")
    anonymous = registry.register_anonymously(home, "train", make_document("z")).version
    registry.set_labels(home, "train", "1", ["a"])
    registry.set_labels(home, "train", "2", ["a", "b"])
    before = [registry.names(home), registry.history(home, "train"), registry.get(home, "train", version=anonymous)]
    damage(tmp_path / "environments.db")
    if write:
        assert registry.register(home, "train", make_document("y")).version == "2"
    assert [
        registry.names(home),
        registry.history(home, "train"),
        registry.get(home, "train", version=anonymous),
    ] == before
    assert "4 versions were made again" in capsys.readouterr().err
    assert registry.register(home, "train", make_document("new")).version == "3"


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_file_without_a_journal_is_reported_and_kept(tmp_path, home, damage):
    registry.register(home, "train", make_document())
    path = tmp_path / "environments.db"
    (tmp_path / "environments.log").unlink()
    damage(path)
    before = path.read_bytes()
    for call in (registry.names, lambda home: registry.register(home, "train", make_document("x"))):
        with pytest.raises(StoreFailed) as raised:
            call(home)
        assert raised.value.code == "store_corrupt"
    assert path.read_bytes() == before


def test_lines_that_a_crash_tore_are_told_and_nothing_else_is_lost(tmp_path, home, capsys):
    registry.register(home, "train", make_document("x"))
    with open(tmp_path / "environments.log", "ab") as file:
        file.write(b'{"name": "train", "ver')
    registry.register(home, "train", make_document("y"))
    (tmp_path / "environments.db").write_bytes(b"")
    assert registry.names(home)[0][:3] == ("train", "2", 2)
    assert "2 versions were made again; 1 lines of their journal could not be read" in capsys.readouterr().err


def test_a_version_whose_transaction_was_never_completed_gives_way_to_the_one_that_was(tmp_path, home):
    registry.register(home, "train", make_document("x"))
    log = tmp_path / "environments.log"
    log.write_text(log.read_text().replace('"1"', '"2"') + log.read_text())
    registry.register(home, "train", make_document("y"))
    (tmp_path / "environments.db").unlink()
    assert [item.version for item in registry.history(home, "train")] == ["2", "1"]
    assert registry.get(home, "train", version="2")[1] == make_document("y") | {"name": "train", "version": "2"}


def test_a_workspace_of_an_earlier_version_gets_its_journal_with_the_next_registration(tmp_path, home):
    registry.register(home, "train", make_document("x"))
    (tmp_path / "environments.log").unlink()
    registry.register(home, "train", make_document("y"))
    (tmp_path / "environments.db").unlink()
    assert registry.names(home)[0][:3] == ("train", "2", 2)


def test_file_of_a_newer_version_is_reported_and_kept(tmp_path, home):
    registry.register(home, "train", make_document())
    with sqlite3.connect(tmp_path / "environments.db") as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(StoreFailed, match="schema is 99"):
        registry.names(home)


def test_digest_leaves_out_what_only_names_it():
    assert registry.content_digest(make_document()) == registry.content_digest(make_document(name="x", version="4"))
    assert registry.content_digest(make_document()) != registry.content_digest(make_document("scipy"))
    assert registry.content_digest(make_document()) == GOLDEN


def test_what_no_document_can_hold_is_no_name_of_one(home):
    registry.register(home, "train", make_document())
    assert registry.get(home, "tra\udce4n") is None
    assert registry.get(home, "train", version="\udce4") is None
    with pytest.raises(EnvironmentNotFound):
        registry.version_rows(home, "tra\udce4n")
