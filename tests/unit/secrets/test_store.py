"""The store of secrets: encrypted, private, atomic; nothing else in it."""

from __future__ import annotations

import os
import stat
import threading

import pytest

from localrun.errors import BadInput, SecretFailed, StoreFailed
from localrun.secrets.store import (
    PASSPHRASE,
    Vault,
    describe_place,
    list_names,
    read_secrets,
    remove_secrets,
    write_secrets,
)

FILE = {"LOCALRUN_SECRETS": "file"}


@pytest.fixture
def vault(own_workspace):
    return Vault(home=str(own_workspace), environ=FILE)


def bytes_of(folder):
    found = b""
    for place, _, names in os.walk(folder):
        for name in names:
            with open(os.path.join(place, name), "rb") as file:
                found += file.read() + name.encode()
    return found


def test_what_is_set_is_read_again(vault):
    write_secrets(vault, {"token": "påss\nword", "other-one": "x"})
    assert read_secrets(vault, ["token"]) == {"token": "påss\nword"}
    assert list_names(vault) == ["other-one", "token"]


def test_a_new_value_replaces_the_old_one(vault):
    write_secrets(vault, {"token": "first value"})
    write_secrets(vault, {"token": "second value"})
    assert read_secrets(vault, ["token"]) == {"token": "second value"}


def test_neither_value_nor_name_is_in_any_file(vault):
    write_secrets(vault, {"my-token-name": "the-planted-value"})
    found = bytes_of(vault.home)
    assert found
    assert b"planted" not in found
    assert b"my-token-name" not in found


def test_files_are_private(vault):
    os.umask(os.umask(0))
    write_secrets(vault, {"token": "value"})
    folder = os.path.join(vault.home, "secrets")
    assert stat.S_IMODE(os.stat(folder).st_mode) == 0o700
    assert {stat.S_IMODE(os.stat(os.path.join(folder, name)).st_mode) for name in ("box", "key")} == {0o600}


def test_a_key_that_others_may_read_is_refused(vault):
    write_secrets(vault, {"token": "value"})
    os.chmod(os.path.join(vault.home, "secrets", "key"), 0o644)
    with pytest.raises(SecretFailed, match="can be read by others") as caught:
        read_secrets(vault, ["token"])
    assert "chmod 600" in caught.value.hint


def test_an_unknown_secret_is_named_with_what_to_do(vault):
    with pytest.raises(SecretFailed, match="no secret nope") as caught:
        read_secrets(vault, ["nope"])
    assert caught.value.code == "secret_not_found"
    assert caught.value.hint == "store it: localrun secret set nope"


@pytest.mark.parametrize("name", ["", "../up", "a/b", "-dash", "a b", "x" * 128, "a\n"])
def test_names_are_allow_listed(vault, name):
    with pytest.raises(BadInput, match="cannot name a secret"):
        write_secrets(vault, {name: "value"})


@pytest.mark.parametrize("text", ["", "a\0b"])
def test_a_value_that_no_variable_takes_is_refused_and_not_shown(vault, text):
    with pytest.raises(BadInput) as caught:
        write_secrets(vault, {"token": text})
    assert "a\0b" not in caught.value.message


def test_remove_takes_all_or_none(vault):
    write_secrets(vault, {"one": "value 1", "two": "value 2"})
    with pytest.raises(SecretFailed, match="no secret three"):
        remove_secrets(vault, ["one", "three"])
    remove_secrets(vault, ["one"])
    assert list_names(vault) == ["two"]


def test_a_passphrase_takes_the_place_of_the_key(own_workspace):
    vault = Vault(home=str(own_workspace), environ={PASSPHRASE: "correct horse"})
    write_secrets(vault, {"token": "value"})
    assert not os.path.exists(os.path.join(vault.home, "secrets", "key"))
    assert read_secrets(vault, ["token"]) == {"token": "value"}
    asked = Vault(home=vault.home, environ={}, ask=lambda: "correct horse")
    assert read_secrets(asked, ["token"]) == {"token": "value"}


def test_a_wrong_passphrase_is_told(own_workspace):
    write_secrets(Vault(home=str(own_workspace), environ={PASSPHRASE: "right"}), {"token": "value"})
    with pytest.raises(SecretFailed, match="passphrase is wrong"):
        list_names(Vault(home=str(own_workspace), environ={PASSPHRASE: "wrong"}))
    with pytest.raises(SecretFailed, match="need their passphrase"):
        list_names(Vault(home=str(own_workspace), environ={}))


@pytest.mark.parametrize("damage", [b"", b"nonsense", b"localrun-secrets 1 key\n", b"localrun-secrets 1 key\nabc" * 9])
def test_a_damaged_box_is_told(vault, damage):
    write_secrets(vault, {"token": "value"})
    path = os.path.join(vault.home, "secrets", "box")
    with open(path, "wb") as file:
        file.write(damage)
    with pytest.raises(SecretFailed, match="box cannot be used"):
        list_names(vault)


def test_a_changed_byte_is_noticed(vault):
    write_secrets(vault, {"token": "value"})
    path = os.path.join(vault.home, "secrets", "box")
    with open(path, "r+b") as file:
        file.seek(-3, os.SEEK_END)
        byte = file.read(1)
        file.seek(-3, os.SEEK_END)
        file.write(bytes([byte[0] ^ 1]))
    with pytest.raises(SecretFailed, match="its key does not fit"):
        list_names(vault)


def test_a_key_that_is_gone_is_told(vault):
    write_secrets(vault, {"token": "value"})
    os.unlink(os.path.join(vault.home, "secrets", "key"))
    with pytest.raises(SecretFailed, match="secrets/key is gone") as caught:
        list_names(vault)
    assert caught.value.code == "secrets_corrupt"


def test_a_key_that_was_cut_short_is_told_with_its_length(vault):
    write_secrets(vault, {"token": "value"})
    os.truncate(os.path.join(vault.home, "secrets", "key"), 5)
    with pytest.raises(SecretFailed, match="secrets/key cannot be used: it has 5 bytes"):
        list_names(vault)


@pytest.mark.parametrize("salt", [b"", b" no-digits"])
def test_a_box_whose_salt_cannot_be_read_is_told(vault, salt):
    write_secrets(vault, {"token": "value"})
    with open(os.path.join(vault.home, "secrets", "box"), "wb") as file:
        file.write(b"localrun-secrets 1 scrypt" + salt + b"\nsealed")
    with pytest.raises(SecretFailed, match="secrets/box cannot be used: its salt cannot be read"):
        list_names(vault)


@pytest.mark.parametrize("name", ["box", "key"])
def test_a_folder_in_place_of_a_file_of_the_store_is_told(vault, name):
    write_secrets(vault, {"token": "value"})
    path = os.path.join(vault.home, "secrets", name)
    os.unlink(path)
    os.mkdir(path, 0o700)
    with pytest.raises(StoreFailed, match=f"secrets/{name} cannot be used: Is a directory"):
        list_names(vault)


def test_a_key_that_is_there_opens_the_box_that_is_made_next(vault):
    write_secrets(vault, {"token": "value"})
    os.unlink(os.path.join(vault.home, "secrets", "box"))
    with open(os.path.join(vault.home, "secrets", "key"), "rb") as file:
        key = file.read()
    write_secrets(vault, {"other": "value"})
    with open(os.path.join(vault.home, "secrets", "key"), "rb") as file:
        assert file.read() == key
    assert read_secrets(vault, ["other"]) == {"other": "value"}


def test_many_at_once_lose_nothing(vault):
    workers = [threading.Thread(target=write_secrets, args=(vault, {f"name{n}": f"value {n}"})) for n in range(12)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert list_names(vault) == sorted(f"name{n}" for n in range(12))


class Memory:
    """A back end of keyring as a desktop has one."""

    priority = 5

    def __init__(self):
        self.known = {}

    def get_password(self, service, name):
        return self.known.get((service, name))

    def set_password(self, service, name, text):
        self.known[service, name] = text

    def delete_password(self, service, name):
        del self.known[service, name]


@pytest.fixture
def desktop(monkeypatch):
    import keyring

    memory = Memory()
    monkeypatch.setattr(keyring, "get_keyring", lambda: memory)
    return memory


def test_a_real_keyring_is_used_and_only_names_are_on_disk(own_workspace, desktop):
    vault = Vault(home=str(own_workspace), environ={})
    write_secrets(vault, {"token": "the-planted-value"})
    assert read_secrets(vault, ["token"]) == {"token": "the-planted-value"}
    assert b"planted" not in bytes_of(vault.home)
    assert list_names(vault) == ["token"]
    remove_secrets(vault, ["token"])
    assert list_names(vault) == []
    assert desktop.known == {}


def test_a_keyring_of_plain_text_is_not_used(own_workspace, desktop):
    desktop.priority = 0.5
    write_secrets(Vault(home=str(own_workspace), environ={}), {"token": "value"})
    assert desktop.known == {}
    assert os.path.exists(own_workspace / "secrets" / "box")


def test_secrets_stay_where_the_first_one_went(own_workspace, desktop):
    write_secrets(Vault(home=str(own_workspace), environ=FILE), {"token": "value"})
    write_secrets(Vault(home=str(own_workspace), environ={}), {"more": "value"})
    assert desktop.known == {}


def test_a_keyring_that_is_gone_is_told(own_workspace, desktop):
    vault = Vault(home=str(own_workspace), environ={})
    write_secrets(vault, {"token": "value"})
    desktop.priority = 0
    with pytest.raises(SecretFailed, match="keyring, which is not there"):
        read_secrets(vault, ["token"])


@pytest.mark.parametrize(
    ("text", "said"), [(b"[", "cannot be read"), (b"5", "cannot be read"), (None, "Is a directory")]
)
def test_a_list_of_names_in_the_keyring_that_cannot_be_read_is_told(own_workspace, desktop, text, said):
    vault = Vault(home=str(own_workspace), environ={})
    write_secrets(vault, {"token": "value"})
    path = os.path.join(vault.home, "secrets", "keyring")
    os.unlink(path)
    if text is None:
        os.mkdir(path)
    else:
        with open(path, "wb") as file:
            file.write(text)
    with pytest.raises(StoreFailed, match=said) as caught:
        list_names(vault)
    assert path in caught.value.message


def test_the_place_of_secrets_is_said_before_there_are_any(own_workspace, desktop):
    assert describe_place(Vault(home=str(own_workspace), environ={})).startswith("the keyring (")
    assert describe_place(Vault(home=str(own_workspace), environ=FILE)).endswith("secrets/box")


@pytest.mark.parametrize("error", [RuntimeError("with the-planted-value in it"), OSError("no bus")])
def test_a_keyring_that_does_not_answer_is_told_and_its_words_are_not(own_workspace, desktop, monkeypatch, error):
    vault = Vault(home=str(own_workspace), environ={})
    write_secrets(vault, {"token": "the-planted-value"})

    def fail(*arguments):
        raise error

    monkeypatch.setattr(desktop, "get_password", fail)
    with pytest.raises(SecretFailed, match=f"does not answer as it should: {type(error).__name__}") as caught:
        read_secrets(vault, ["token"])
    assert "planted" not in caught.value.message
    assert caught.value.hint == "unlock it and try again"


def test_where_no_keyring_can_be_found_the_file_is_used(own_workspace, monkeypatch):
    import keyring

    def fail():
        raise RuntimeError("no session")

    monkeypatch.setattr(keyring, "get_keyring", fail)
    write_secrets(Vault(home=str(own_workspace), environ={}), {"token": "value"})
    assert os.path.exists(own_workspace / "secrets" / "box")


def test_a_value_that_left_the_keyring_by_other_ways_can_be_removed(own_workspace, desktop):
    vault = Vault(home=str(own_workspace), environ={})
    write_secrets(vault, {"token": "value"})
    desktop.known.clear()
    remove_secrets(vault, ["token"])
    assert list_names(vault) == []
