"""How programs of this machine reach the network."""

from __future__ import annotations

from localrun.adapters.network_settings import find_bundle, gather_for_run, gather_variables, list_package_folders


def test_only_settings_of_the_network_and_of_packages_go_along():
    environ = {
        "HTTPS_PROXY": "p", "no_proxy": "n", "UV_INDEX_A_PASSWORD": "s", "UV_CACHE_DIR": "/c", "HOME": "/h", "AWS_KEY": "k",
    }  # fmt: skip
    found = gather_variables(environ, {"UV_DEFAULT_INDEX": "i"})
    assert found == {"UV_DEFAULT_INDEX": "i", "HTTPS_PROXY": "p", "no_proxy": "n", "UV_INDEX_A_PASSWORD": "s"}


def test_bundle_of_certificates_is_one_that_is_there(tmp_path):
    bundle = tmp_path / "ca.pem"
    bundle.touch()
    assert find_bundle({"SSL_CERT_FILE": "/nowhere", "PIP_CERT": str(bundle)}, {}) == str(bundle)
    assert find_bundle({}, {"SSL_CERT_FILE": str(bundle)}) == str(bundle)
    assert find_bundle({}, {}) == ""


def test_a_run_gets_proxies_indexes_and_the_place_of_the_certificates(tmp_path):
    (tmp_path / "pip.conf").write_text("[global]\nindex-url = https://a/simple\n")
    environ = {
        "PIP_CONFIG_FILE": str(tmp_path / "pip.conf"), "PIP_TRUSTED_HOST": "a", "PIP_DEFAULT_TIMEOUT": "9",
        "PIP_CACHE_DIR": "/c", "PIP_CERT": "/here/ca.pem", "https_proxy": "http://p", "XDG_CONFIG_DIRS": "/nowhere",
        "PIP_CONSTRAINT": "/here/c.txt",
    }  # fmt: skip
    found = gather_for_run(environ, "/there/ca.pem")
    assert found == {
        "https_proxy": "http://p", "PIP_INDEX_URL": "https://a/simple", "PIP_TRUSTED_HOST": "a",
        "PIP_DEFAULT_TIMEOUT": "9", "UV_DEFAULT_INDEX": "https://a/simple", "UV_INSECURE_HOST": "a",
        "SSL_CERT_FILE": "/there/ca.pem", "REQUESTS_CA_BUNDLE": "/there/ca.pem", "PIP_CERT": "/there/ca.pem",
        "CURL_CA_BUNDLE": "/there/ca.pem",
    }  # fmt: skip


def test_folders_of_packages_are_those_that_are_there(tmp_path):
    named = {"PIP_FIND_LINKS": f"https://a {tmp_path}", "UV_FIND_LINKS": f"/nowhere/at/all,{tmp_path},relative"}
    assert list_package_folders(named) == (str(tmp_path),)
