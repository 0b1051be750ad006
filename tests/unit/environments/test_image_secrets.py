"""Secrets that are about to be built into an image."""

from __future__ import annotations

import pytest

from localrun.adapters.build_context import list_context
from localrun.adapters.docker_credentials import Credentials
from localrun.environments.image_secrets import KnownSecret, list_known, refuse_secrets
from localrun.errors import BadInput
from localrun.secrets.store import Vault, write_secrets

KNOWN = (KnownSecret(name="the secret KEY", text=b"planted-value"),)


def test_value_in_the_dockerfile_is_refused_with_its_line_and_not_told():
    with pytest.raises(BadInput, match="the secret KEY stands in it") as caught:
        refuse_secrets(KNOWN, "FROM a\nENV x=planted-value\n", None)
    assert (caught.value.file, caught.value.line) == ("Dockerfile", 2)
    assert "planted-value" not in str(caught.value) + caught.value.hint


@pytest.mark.parametrize("before", [0, (1 << 20) - 5])
def test_value_in_a_file_of_the_context_is_refused(tmp_path, before):
    (tmp_path / "Dockerfile").write_text("FROM a")
    (tmp_path / "data").write_bytes(b"x" * before + b"planted-value" + b"y")
    with pytest.raises(BadInput) as caught:
        refuse_secrets(KNOWN, "FROM a", list_context(str(tmp_path), "Dockerfile"))
    assert caught.value.file == "data"


def test_file_that_dockerignore_leaves_out_may_hold_it(tmp_path):
    (tmp_path / ".dockerignore").write_text("data\n")
    (tmp_path / "data").write_text("planted-value")
    context = list_context(str(tmp_path), "Dockerfile")
    refuse_secrets(KNOWN, "FROM a", context)
    assert "data" not in {one.path for one in context.files}


def test_known_are_those_of_the_workspace_and_of_the_registries(tmp_path):
    environ = {"LOCALRUN_SECRETS": "file"}
    home = str(tmp_path)
    write_secrets(Vault(home=home, environ=environ), {"KEY": "planted-value\n", "SHORT": "abc"})
    accounts = {"a.example.org": Credentials(username="me", password="of-the-registry"), "b": Credentials()}
    known = {secret.name: secret.text for secret in list_known(home, environ, accounts)}
    assert known == {"the secret KEY": b"planted-value", "the password for a.example.org": b"of-the-registry"}


def test_workspace_without_secrets_has_none(tmp_path):
    assert list_known(str(tmp_path), {}, {}) == ()
