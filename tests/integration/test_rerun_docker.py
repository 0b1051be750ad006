"""Runs in containers once more: the very image, or one made again with the same versions; and on the other target."""

from __future__ import annotations

import json
import os
import uuid

import pytest
from contained_kit import Contained

WORDS = "cp $AZUREML_CONDA_ENVIRONMENT_PATH/share/words/0.txt outputs/; cat part.txt >> outputs/0.txt"


@pytest.fixture
def contained(own_workspace, tmp_path, engine, bare_image):
    driver = Contained(own_workspace, tmp_path / "source", engine, bare_image)
    driver.made = []
    yield driver
    for record in driver.records():
        image = ((record["plan"]["environment"] or {}).get("image") or {}).get("name", "")
        if image.startswith("azureml/"):
            engine.forget(image)
    for name in driver.made:
        engine.try_docker("image", "rm", "--force", name)


def derive(driver, text):
    """Make an image with a file of its own, and give its id; it has a name that only this test uses."""
    name = f"localrun-test/derived-{uuid.uuid4().hex}"
    container = driver.engine.docker("create", driver.image, "true")
    with open(os.path.join(driver.source, "mark"), "w", encoding="ascii") as file:
        file.write(text)
    driver.engine.docker("cp", os.path.join(driver.source, "mark"), f"{container}:/mark")
    image = driver.engine.docker("commit", container, name)
    driver.engine.docker("rm", container)
    driver.made.append(name)
    return image, name


def outputs(record):
    with open(os.path.join(record["folder"], "outputs", "0.txt"), "rb") as file:
        return file.read()


def write_job(driver, channel, image):
    driver.write("conda.yml", f"channels: ['{channel}']\ndependencies: [words]\n")
    driver.write("part.txt", "kept")
    job = {"command": WORDS, "code": ".", "environment": {"image": image, "conda_file": "conda.yml"}}
    driver.write("job.yml", json.dumps(job))


def run(driver, *words):
    done = driver.command("run", "-q", *words, plain=True)
    assert done.returncode == 0, done.stderr
    return driver.record()


def rerun(driver, *words):
    done = driver.command("rerun", *words, "latest", timeout=120)
    assert done.returncode == 0, done.stderr.decode()
    return driver.record(), done.stderr.decode()


def test_rerun_uses_the_very_image_whatever_its_name_stands_for_now(contained):
    _, name = derive(contained, "one")
    first = run(contained, "-t", "docker", "-E", f"image:{name}", "--command", "cat /mark > outputs/0.txt")
    contained.engine.docker("tag", contained.image, name)
    second, told = rerun(contained)
    assert outputs(second) == outputs(first) == b"one"
    assert second["artifact"]["image"] == first["artifact"]["image"]
    assert "gone" not in told
    found = json.loads(contained.command("diff", first["run_id"], second["run_id"], "--format", "json").stdout)
    assert found["same"], found
    contained.engine.docker("image", "rm", "--force", first["artifact"]["image"])


def test_image_that_is_gone_is_made_again_with_the_versions_of_the_run(contained, text_channel):
    write_job(contained, text_channel, contained.image)
    first = run(contained, "-t", "docker", "job.yml")
    contained.engine.forget(first["plan"]["environment"]["image"]["name"])
    contained.write("part.txt", "changed")
    assert contained.command("prune").returncode == 0
    second, told = rerun(contained)
    assert "the image of the run is gone from the engine, and is made again" in told
    assert outputs(second) == outputs(first)
    assert outputs(first).endswith(b"kept")
    assert second["artifact"]["reused"] is False
    found = json.loads(contained.command("diff", first["run_id"], second["run_id"], "--format", "json").stdout)
    assert [change["field"] for name in ("environment", "source", "outputs") for change in found[name]] == []


def test_base_image_that_moved_is_taken_by_its_id_or_told(contained, text_channel):
    base, name = derive(contained, "one")
    write_job(contained, text_channel, name)
    first = run(contained, "-t", "docker", "job.yml")
    kept = f"{name}-kept"
    contained.engine.docker("tag", base, kept)
    contained.made.append(kept)
    contained.engine.docker("tag", contained.image, name)
    contained.engine.forget(first["plan"]["environment"]["image"]["name"])
    second, told = rerun(contained)
    assert f"{name} stands for another image now; the one of then is still there, and is used" in told
    assert outputs(second) == outputs(first)
    assert second["plan"]["environment"]["image"] == first["plan"]["environment"]["image"]
    contained.engine.forget(first["plan"]["environment"]["image"]["name"])
    contained.engine.docker("image", "rm", "--force", kept)
    third, told = rerun(contained)
    assert f"{name} stands for another image now" in told
    assert "is used" not in told
    assert outputs(third) == outputs(first)
    contained.engine.forget(third["artifact"]["image"])


def test_a_run_goes_to_the_other_target_and_back(contained, text_channel):
    write_job(contained, text_channel, contained.image)
    first = run(contained, "-t", "local", "job.yml")
    second, _ = rerun(contained, "-t", "docker")
    third, _ = rerun(contained, "-t", "local")
    assert [record["target"] for record in (first, second, third)] == ["local", "docker", "local"]
    assert outputs(first) == outputs(second) == outputs(third)
    assert second["artifact"]["image"]
    assert third["artifact"]["prefix"] == first["artifact"]["prefix"]


def test_changed_input_of_a_container_is_refused_unless_it_is_allowed(contained, tmp_path):
    data = tmp_path / "data"
    data.write_text("1")
    job = {
        "command": "cat ${{inputs.d}} > outputs/0.txt",
        "inputs": {"d": {"type": "uri_file", "path": str(data)}},
        "environment": {"image": contained.image},
    }
    contained.write("job.yml", json.dumps(job))
    assert outputs(run(contained, "-t", "docker", "job.yml")) == b"1"
    assert outputs(rerun(contained)[0]) == b"1"
    data.write_text("22")
    refused = contained.command("rerun", "latest")
    assert (refused.returncode, refused.stderr.splitlines()[-1]) == (125, b"kind=bad_input")
    assert str(data).encode() in refused.stderr
    assert outputs(rerun(contained, "--allow-changed-inputs")[0]) == b"22"
