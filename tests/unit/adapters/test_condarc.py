"""Channels as conda's settings mean them."""

from __future__ import annotations

import pytest

from localrun.adapters.condarc import DEFAULTS, find_channels, find_spec_channel, read_condarc
from localrun.errors import BadInput


def urls(names, settings=None, directory="/d"):
    return [channel.url for channel in find_channels(tuple(names), settings or {}, directory)]


def test_names_stand_below_the_alias():
    assert urls(["conda-forge", "a/label/b"]) == [
        "https://conda.anaconda.org/conda-forge",
        "https://conda.anaconda.org/a/label/b",
    ]
    assert urls(["x"], {"channel_alias": "https://mirror.example/conda/"}) == ["https://mirror.example/conda/x"]
    assert urls(["x"], {"channel_alias": "mirror.example"}) == ["https://mirror.example/x"]


def test_no_names_mean_the_settings_and_then_conda_forge():
    assert urls([], {"channels": ["a", "b"]}) == ["https://conda.anaconda.org/a", "https://conda.anaconda.org/b"]
    assert urls([]) == ["https://conda.anaconda.org/conda-forge"]


def test_defaults_are_several_channels():
    assert urls(["defaults"]) == list(DEFAULTS)
    assert urls(["defaults"], {"default_channels": ["https://m/main"]}) == ["https://m/main"]


def test_custom_channels_and_groups():
    settings = {
        "custom_channels": {"conda-forge": "file:///mirror", "a/b": "https://ab"},
        "custom_multichannels": {"both": ["conda-forge", "a/b/c"]},
    }
    assert urls(["conda-forge"], settings) == ["file:///mirror/conda-forge"]
    assert urls(["both"], settings) == ["file:///mirror/conda-forge", "https://ab/a/b/c"]
    assert urls(["conda-forge/label/x"], settings) == ["file:///mirror/conda-forge/label/x"]


def test_urls_and_folders_stay_what_they_are():
    assert urls(["file:///x/y", "./z", "/w"]) == ["file:///x/y", "file:///d/z", "file:///w"]


def test_a_channel_counts_once():
    assert urls(["x", "https://conda.anaconda.org/x/"]) == ["https://conda.anaconda.org/x"]


def test_credentials_are_taken_out_of_urls():
    (channel,) = find_channels(("https://us%40er:pw@host:8/t/tk-1/chan",), {}, "")
    assert channel.url == "https://host:8/chan"
    assert channel.name == "https://host:8/chan"
    assert channel.authorization == "Basic dXNAZXI6cHc="
    assert channel.token_url == "https://host:8/t/tk-1/chan"


def test_a_spec_that_names_its_channel_gets_its_url():
    assert find_spec_channel("conda-forge::numpy =1", {}, "") == "https://conda.anaconda.org/conda-forge::numpy =1"
    assert find_spec_channel("numpy", {}, "") == "numpy"


def test_files_are_joined_with_the_later_ones_first(tmp_path):
    (tmp_path / ".conda").mkdir()
    (tmp_path / ".conda" / "condarc").write_text(
        "channels: [a, b]\nssl_verify: no\ncustom_channels: {x: 'https://1'}\n"
    )
    (tmp_path / ".condarc").write_text("channels: [c, a]\nchannel_alias: https://$HOST/${PART}\n")
    (tmp_path / "more").write_text("custom_channels: {y: 'https://2'}\n")
    environ = {"CONDARC": str(tmp_path / "more"), "HOST": "h", "PART": "p", "CONDA_OFFLINE": "true"}
    settings = read_condarc(environ, str(tmp_path))
    assert settings["channels"] == ["c", "a", "b"]
    assert settings["custom_channels"] == {"x": "https://1", "y": "https://2"}
    assert settings["channel_alias"] == "https://h/p"
    assert settings["ssl_verify"] is False
    assert settings["offline"] is True


def test_channels_of_the_environment_variable_count_most(tmp_path):
    assert read_condarc({"CONDA_CHANNELS": "a, b"}, str(tmp_path))["channels"] == ["a", "b"]


@pytest.mark.parametrize("text", ["- a\n", "channels: x\n", "custom_channels: [a]\n", "channels: [a\n"])
def test_a_file_of_another_form_is_named(tmp_path, text):
    (tmp_path / ".condarc").write_text(text)
    with pytest.raises(BadInput, match=r"\.condarc"):
        read_condarc({}, str(tmp_path))


def test_empty_files_say_nothing(tmp_path):
    (tmp_path / ".condarc").write_text("# nothing\n")
    assert "channels" not in read_condarc({}, str(tmp_path))


def test_the_settings_of_an_installation_and_of_an_environment_count_too(tmp_path):
    for name, text in (("root", "channels: [a]"), ("prefix", "channels: [b]\noffline: true"), ("home", "  \n")):
        (tmp_path / name).mkdir()
        (tmp_path / name / ".condarc").write_text(text)
    environ = {"CONDA_ROOT": str(tmp_path / "root"), "CONDA_PREFIX": str(tmp_path / "prefix")}
    settings = read_condarc(environ, str(tmp_path / "home"))
    assert (settings["channels"], settings["offline"]) == (["b", "a"], True)


def test_values_that_are_no_texts_stay_what_they_are(tmp_path):
    (tmp_path / ".condarc").write_text("custom_multichannels: {both: [a, 1, $X]}\nssl_verify: 1\n")
    settings = read_condarc({"X": "x"}, str(tmp_path))
    assert settings["custom_multichannels"] == {"both": ["a", 1, "x"]}
    assert settings["ssl_verify"] is True


def test_the_first_mirror_of_a_channel_takes_its_place():
    assert urls(["conda-forge"], {"mirrored_channels": {"conda-forge": ["https://m1/cf", "https://m2/cf"]}}) == [
        "https://m1/cf"
    ]
