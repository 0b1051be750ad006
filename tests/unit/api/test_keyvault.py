from __future__ import annotations

import pytest

from localrun import Keyvault, UserErrorException, Workspace
from localrun.errors import SecretFailed


@pytest.fixture
def vault(monkeypatch):
    monkeypatch.setenv("LOCALRUN_SECRETS", "file")
    return Workspace.from_config().get_default_keyvault()


def test_methods_are_the_originals(vault):
    vault.set_secret("one", "value 1")
    vault.set_secret(name="two", value="value 2", content_type="text/plain")
    vault.set_secrets({"three": "value 3", "four": "value 4"})
    assert vault.get_secret(name="one") == "value 1"
    assert vault.get_secrets(["two", "nope"]) == {"two": "value 2", "nope": None}
    assert vault.get_secret_content_type("two") == ""
    vault.delete_secret("one")
    vault.delete_secrets(["two", "three"])
    assert vault.list_secrets() == [{"name": "four"}]


def test_a_vault_of_the_same_workspace_has_the_same_secrets(vault):
    vault.set_secret("one", "value 1")
    assert Keyvault(Workspace()).get_secret("one") == "value 1"


def test_what_is_not_there_is_named(vault):
    with pytest.raises(UserErrorException, match="Secret nope was not found"):
        vault.get_secret("nope")
    with pytest.raises(SecretFailed, match="no secret nope"):
        vault.delete_secret("nope")


def test_an_unset_variable_is_no_value(vault):
    with pytest.raises(UserErrorException, match="no text but NoneType"):
        vault.set_secret("one", None)
