"""Secrets in plain text are known by their variables' names and by their values; what only sounds so is none."""

from __future__ import annotations

import pytest

from localrun.formats.runconfig import list_unwritten, read_run_configuration, write_run_configuration
from localrun.formats.secret_names import hide_variables, looks_secret
from localrun.formats.secret_references import read_reference


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("DB_PASSWORD", "hunter22"),
        ("PASSWORD", "hunter22"),
        ("HF_TOKEN", "hf_abcdefgh"),
        ("client_secret", "abc~def~"),
        ("AZURE_STORAGE_CONNECTION_STRING", "AccountName=a;AccountKey=abcdefgh=="),
        ("AZURE_STORAGE_KEY", "abcdefgh"),
        ("WANDB_API_KEY", "0123456789abcdef"),
        ("APIKEY", "0123456789"),
        ("KEY", "AbCd0123456789xyz"),
        ("DATABASE", "postgres://me:hunter22@db/x"),
        ("STORE", "Server=db;Password=hunter22;"),
    ],
)
def test_secrets_in_plain_text(name, text):
    assert looks_secret(name, text)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("MAX_TOKENS", "1000000"),
        ("TOKENIZERS_PARALLELISM", "false-is-long"),
        ("PASSWORD_FILE", "/run/secrets/db"),
        ("GOOGLE_APPLICATION_CREDENTIALS", "/home/me/key.json"),
        ("USE_AUTH_TOKEN", "true"),
        ("HF_TOKEN", ""),
        ("HF_TOKEN", "${HF_TOKEN}"),
        ("HF_TOKEN", "@Microsoft.KeyVault(VaultName=a;SecretName=b)"),
        ("SORT_KEY", "customer"),
        ("KEY", "customer-and-region"),
        ("INDEX", "https://pypi.example.org/simple"),
        ("INDEX", "https://***@pypi.example.org/simple"),
        ("not a name TOKEN", "abcdefgh"),
        ("PATH", "/bin:/usr/bin"),
    ],
)
def test_what_is_none(name, text):
    assert not looks_secret(name, text)


def test_a_reference_that_a_run_can_read_takes_its_place():
    variables = {"DB_PASSWORD": "hunter22", "SIZE": "large", "NOTHING": None}
    (line,) = hide_variables(variables)
    assert "localrun secret set db-password" in line
    assert "hunter22" not in line
    assert read_reference(variables.pop("DB_PASSWORD")) == "db-password"
    assert variables == {"SIZE": "large", "NOTHING": None}
    assert hide_variables(None) == ()


def test_a_run_configuration_is_written_without_them():
    text = (
        b"framework: Python\nenvironmentVariables:\n  HF_TOKEN: hf_abcdefgh\n"
        b"environment:\n  environmentVariables:\n    DB_PASSWORD: hunter22\n"
    )
    document = read_run_configuration(text, file="a.runconfig", read=None).document
    written = b"".join(write_run_configuration(document, folder="", conda_file="").values())
    assert b"hunter22" not in written
    assert b"hf_abcdefgh" not in written
    assert written.count(b"@Microsoft.KeyVault(") == 2
    assert len(list_unwritten(document)) == 2
    assert document["environmentVariables"]["HF_TOKEN"] == "hf_abcdefgh"
