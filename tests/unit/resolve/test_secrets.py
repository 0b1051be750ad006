"""Which variable gets which secret: from `--secret`, and from values that refer to a vault."""

from __future__ import annotations

import pytest

from localrun.errors import BadInput
from localrun.formats.secret_references import name_variable, read_reference
from localrun.resolve.secrets import note_withheld, plan_secrets, plan_withheld
from localrun.spec import EnvironmentSpec, RunSpec

BY_URI = "@Microsoft.KeyVault(SecretUri=https://mine.vault.azure.net/secrets/db-password)"


@pytest.mark.parametrize(
    "text",
    [
        BY_URI,
        "@Microsoft.KeyVault(SecretUri=https://mine.vault.azure.net/secrets/db-password/)",
        "@Microsoft.KeyVault(SecretUri=https://mine.vault.azure.net/secrets/db-password/ec96f02080254f109c51a1f14cdb1931)",
        "@Microsoft.KeyVault(VaultName=mine;SecretName=db-password)",
        "@Microsoft.KeyVault(VaultName=mine;SecretName=db-password;SecretVersion=1)",
        " @microsoft.keyvault( vaultname = mine ; secretname = db-password ) ",
    ],
)
def test_documented_forms_name_the_secret(text):
    assert read_reference(text) == "db-password"


@pytest.mark.parametrize(
    "text",
    [
        "@Microsoft.KeyVault(",
        "@Microsoft.KeyVault()",
        "@Microsoft.KeyVault(VaultName=mine)",
        "@Microsoft.KeyVault(SecretUri=http://mine/secrets/a)",
        "@Microsoft.KeyVault(SecretUri=https://mine/keys/a)",
        "@Microsoft.KeyVault(SecretName=../a)",
        BY_URI[:-1],
    ],
)
def test_other_forms_are_refused(text):
    with pytest.raises(BadInput, match="no reference to a secret"):
        read_reference(text)


def test_a_reference_becomes_a_secret_of_its_variable():
    spec = RunSpec(environment_variables=(("A", "1"), ("DB", BY_URI)))
    assert plan_secrets(spec, ()) == (("DB", "db-password"),)


def test_a_reference_of_the_environment_gives_way_to_a_value():
    environment = EnvironmentSpec(environment_variables=(("DB", BY_URI), ("OTHER", BY_URI)))
    spec = RunSpec(environment=environment, environment_variables=(("DB", "plain"),), inherited=("OTHER",))
    assert plan_secrets(spec, ()) == ()


def test_a_flag_takes_the_place_of_a_reference():
    spec = RunSpec(environment_variables=(("DB", BY_URI),), secrets=(("DB", "other"),))
    assert plan_secrets(spec, ()) == (("DB", "other"),)


@pytest.mark.parametrize("spec", [RunSpec(environment_variables=(("A", "1"),)), RunSpec(inherited=("A",))])
def test_a_variable_is_not_given_twice(spec):
    from localrun.values import replace

    with pytest.raises(BadInput, match="A is given a value and the secret token"):
        plan_secrets(replace(spec, secrets=(("A", "token"),)), ())


def test_a_variable_of_localruns_own_is_refused():
    with pytest.raises(BadInput, match="RANK is set by localrun"):
        plan_secrets(RunSpec(secrets=(("RANK", "token"),)), ("RANK",))


def test_a_secret_names_its_variable():
    assert name_variable("my-token.v2") == "my_token_v2"


def test_secrets_in_plain_text_are_withheld_and_named_where_they_stand():
    variables = {"DB_PASSWORD": "hunter22", "SIZE": "large", "AZUREML_PARAMETER_TOKEN": "abcdefgh"}
    withheld = plan_withheld(variables, {"AZUREML_PARAMETER_TOKEN"})
    assert withheld == ("DB_PASSWORD",)
    spec = RunSpec(file="job.yml", lines=(("environment_variables.DB_PASSWORD", 7),))
    (note,) = note_withheld(spec, withheld)
    assert note.startswith("job.yml:7: DB_PASSWORD looks like a secret")
    assert "localrun secret set db-password, then --secret db-password=DB_PASSWORD" in note
    assert note_withheld(spec, ()) == ()
