"""pip's settings in uv's words."""

from __future__ import annotations

from localrun.adapters.pip_settings import pip_as_uv


def test_variables_are_translated():
    environ = {
        "PIP_CONFIG_FILE": "/dev/null",
        "PIP_INDEX_URL": "https://i/simple",
        "PIP_EXTRA_INDEX_URL": "https://a https://b",
        "PIP_FIND_LINKS": "/one /two",
        "PIP_CERT": "/ca.pem",
        "PIP_NO_INDEX": "yes",
    }
    assert pip_as_uv(environ) == {
        "UV_DEFAULT_INDEX": "https://i/simple",
        "UV_INDEX": "https://a https://b",
        "UV_FIND_LINKS": "/one,/two",
        "SSL_CERT_FILE": "/ca.pem",
        "UV_NO_INDEX": "1",
    }


def test_what_uv_was_told_counts_more():
    environ = {"PIP_CONFIG_FILE": "/dev/null", "PIP_INDEX_URL": "https://i", "UV_INDEX_URL": "https://u"}
    assert pip_as_uv(environ) == {}


def test_files_are_read_and_variables_count_more(tmp_path):
    config = tmp_path / "pip.conf"
    config.write_text("[global]\nindex-url = https://f\nfind_links =\n    /x\n    /y\n[install]\ntrusted-host = h\n")
    environ = {"PIP_CONFIG_FILE": str(config), "XDG_CONFIG_DIRS": "/none"}
    found = pip_as_uv(environ)
    assert found["UV_DEFAULT_INDEX"] == "https://f"
    assert found["UV_FIND_LINKS"] == "/x,/y"
    assert found["UV_INSECURE_HOST"] == "h"
    assert pip_as_uv(environ | {"PIP_INDEX_URL": "https://v"})["UV_DEFAULT_INDEX"] == "https://v"


def test_a_broken_file_does_not_stop_a_build(tmp_path):
    config = tmp_path / "pip.conf"
    config.write_bytes(b"no section = \xff\n")
    assert "UV_DEFAULT_INDEX" not in pip_as_uv({"PIP_CONFIG_FILE": str(config), "XDG_CONFIG_DIRS": "/none"})
