"""What files say seldom: keys that are null, values that only Azure ML knows, mistakes that few make."""

from __future__ import annotations

import json

import pytest

from localrun.errors import BadInput
from localrun.formats import simple_yaml
from localrun.formats.conda_file import read_conda_file
from localrun.formats.docker_arguments import read_docker_arguments
from localrun.formats.docker_values import read_gpus
from localrun.formats.dump import dump_yaml
from localrun.formats.environment import read_environment
from localrun.formats.environment_document import document_of_spec
from localrun.formats.gate import load_yaml
from localrun.formats.job import read_command_job
from localrun.formats.lock_archives import lay_over
from localrun.formats.nodes import root, text_on_azure, whole_number
from localrun.formats.recorded_plan import read_recorded_plan
from localrun.formats.remote_run import import_job
from localrun.formats.requirements import read_requirements
from localrun.formats.runconfig import read_run_configuration, write_run_configuration
from localrun.formats.runconfig_spec import spec_of_runconfig
from localrun.formats.v1_environment import hide_secrets, read_environment_files, spec_of_document
from localrun.formats.yaml_comments import keep_comments
from localrun.plan import EnvironmentPlan, Plan, RankPlan, SourcePlan
from localrun.spec import EnvironmentSpec, ImageBuildSpec, PythonSpec
from localrun.supervise.describe import describe_plan

CONDA = {"dependencies": ["python=3.11"]}


def not_there(path):
    raise FileNotFoundError(2, "not there", path)


def job(text):
    return read_command_job(
        f"command: echo\nenvironment: {{image: x}}\n{text}\n".encode(), file="/p/job.yml", read=not_there
    )


def v1(document):
    return read_environment_files({"azureml_environment.json": json.dumps(document).encode()}, where="/e")


def runconfig(text, read=not_there):
    return read_run_configuration(f"script: x.py\n{text}".encode(), file="/p/x.runconfig", read=read)


def ask(text, **more):
    found = runconfig(text)
    return spec_of_runconfig(found.document, directory="/p", packages=None, file=found.file, lines=found.lines, **more)


def node(text):
    return root(load_yaml(f"a: {text}\n".encode(), file="f")).part("a")


def test_parent_of_a_job_and_properties_of_its_distribution_are_texts():
    assert job("parent_job_name: other\n").command == "echo"
    assert job("limits: {}\n").timeout_s == 0
    assert job("distribution: {type: ray, port: 1, head_node_additional_args: x}\n").distribution.type == "ray"


def test_path_with_a_nul_is_refused():
    with pytest.raises(BadInput, match="holds a NUL"):
        job('code: "a\\0b"\n')


def test_channel_that_cannot_be_printed_is_refused():
    with pytest.raises(BadInput, match="is not a channel"):
        read_conda_file(b'channels: ["a\\tb"]\ndependencies: [python]\n', file="c.yml", read=not_there)


def test_mount_that_cannot_be_read_waits_for_its_refusal_with_the_plan():
    found = read_docker_arguments(["--mount", "type=bind"], directory="/job", read=not_there)
    assert found.arguments == ("--mount=type=bind",)


def test_count_of_graphics_processors_is_all_or_a_number():
    assert read_gpus("count=all")["Count"] == -1
    assert read_gpus("driver=nvidia")["Driver"] == "nvidia"


def test_requirements_without_end_are_refused():
    lines = "\n".join(f"a{number}" for number in range(20_001))
    with pytest.raises(BadInput, match="requirement lines"):
        read_requirements(lines.encode(), file="r.txt", read=not_there)


def test_whole_numbers_may_be_written_with_a_point_and_not_without_end():
    assert whole_number(node("2.0"), minimum=0, maximum=9) == 2
    with pytest.raises(BadInput, match="too long"):
        text_on_azure(node("1" + ":59" * 3000))  # YAML 1.1 counts by sixties


def test_lock_with_an_address_that_names_no_file_is_refused():
    line = "a @ https://example.org/packages/#sha256=" + "0" * 64
    with pytest.raises(BadInput, match="no file that can be collected"):
        lay_over((line,), "/packages")


def test_very_long_yaml_is_left_to_the_whole_reader():
    assert simple_yaml.read_simple("# \n" * (simple_yaml.MOST_LINES + 1), lambda *_: None) is None


@pytest.mark.parametrize(("number", "said"), [(float("nan"), ".nan"), (float("inf"), ".inf"), (-float("inf"), "-.inf")])
def test_numbers_that_are_none_have_words_in_yaml(number, said):
    assert dump_yaml({"a": number}) == f"a: {said}\n"


def test_sharp_in_a_text_is_no_comment():
    old = b'a: "x #y\\" z"\nb: 1  # kept\n'
    assert b"# kept" in keep_comments(old, b'a: "x #y\\" z"\nb: 1\n')


def test_environment_of_an_image_with_a_build_context_is_a_document():
    build = ImageBuildSpec(context="/c", dockerfile="FROM x", dockerfile_path="D")
    document = document_of_spec(EnvironmentSpec(build=build, python=PythonSpec(conda=("python",))))
    assert document["docker"]["buildContext"] == {"locationType": None, "location": "/c", "dockerfilePath": "D"}
    assert document["python"]["condaDependencies"] == {"dependencies": ["python"]}


NULLS = {
    "python": {"condaDependencies": None, "userManagedDependencies": None, "interpreterPath": "python3"},
    "docker": {"baseImage": "x", "baseImageRegistry": None, "buildContext": {"locationType": None, "location": "c"}},
    "spark": {"packages": None, "repositories": None},
}


def test_null_is_what_is_not_there():
    document, _ = v1(NULLS)
    assert document["python"]["userManagedDependencies"] is False
    assert document["python"]["condaDependencies"] is None
    assert set(document["docker"]["baseImageRegistry"].values()) == {None}
    assert document["docker"]["buildContext"]["locationType"] is None
    assert document["spark"]["packages"] == []


def test_a_key_in_two_spellings_counts_once_and_is_told():
    _, notes = v1({"python": {"interpreterPath": "a", "interpreter_path": "b"}})
    assert any("interpreterPath is there too" in line for line in notes)


@pytest.mark.parametrize(
    "document",
    [{"python": {"userManagedDependencies": 1}}, {"docker": {"arguments": [None]}}, {"docker": {"arguments": [{}]}}],
)
def test_what_is_of_another_kind_is_refused(document):
    with pytest.raises(BadInput, match="expected"):
        v1(document)


@pytest.mark.parametrize(
    ("conda", "said"),
    [
        ("channels: ['']\ndependencies: [python]\n", "a channel is empty"),
    ],
)
def test_conda_file_of_a_v1_environment_that_is_wrong_is_refused(conda, said):
    files = {"azureml_environment.json": b"{}", "conda_dependencies.yml": conda.encode()}
    with pytest.raises(BadInput, match=said):
        read_environment_files(files, where="/e")


def test_of_two_pip_sections_in_a_v1_environment_the_last_counts():
    conda = b"dependencies:\n- python\n- pip: [a]\n- pip: [b]\n"
    files = {"azureml_environment.json": b"{}", "conda_dependencies.yml": conda}
    _, notes = read_environment_files(files, where="/e")
    assert any("of several pip sections the last one counts" in line for line in notes)


def test_conda_file_that_an_environment_names_is_not_followed():
    document, _ = v1({"python": {"condaDependenciesFile": "c.yml", "userManagedDependencies": True}})
    assert any("condaDependenciesFile is ignored" in line for line in spec_of_document(document).notes)


def test_packages_of_r_that_are_no_mapping_hold_no_secret():
    document, lines = hide_secrets({"r": {"githubPackages": ["user/repository"]}})
    assert document["r"]["githubPackages"] == ["user/repository"]
    assert lines == ()


def test_dockerfile_outside_of_its_context_is_refused():
    document, _ = v1({"docker": {"buildContext": {"location": "c", "dockerfilePath": "../D"}}, "python": {}})
    with pytest.raises(BadInput, match="lies outside of the build context"):
        spec_of_document(document, file="/e", directory="/e", read=not_there)


USER_MANAGED = "environment: {name: e, python: {userManagedDependencies: true, interpreterPath: python3}}\n"


def test_file_that_a_run_configuration_cannot_read_here_is_refused():
    with pytest.raises(BadInput) as refused:
        ask(USER_MANAGED + "docker: {arguments: ['--env-file=x.env']}\n")
    assert refused.value.key == "docker.arguments"


def test_environment_without_name_and_packages_is_refused():
    with pytest.raises(BadInput, match="the environment is empty"):
        ask("environment: {}\n")


def test_folders_to_watch_are_told_to_be_ours():
    notes = ask(USER_MANAGED + "history: {directoriesToWatch: [elsewhere]}\n").notes
    assert any("directoriesToWatch" in line for line in notes)


def test_mode_of_data_is_mount_or_download():
    assert runconfig(USER_MANAGED + "dataReferences: {d: {mode: download}}\n").document["dataReferences"]
    with pytest.raises(BadInput, match="is not supported"):
        runconfig(USER_MANAGED + "dataReferences: {d: {mode: copy}}\n")


def test_authentication_that_is_said_is_written():
    found = runconfig(USER_MANAGED + "history: {ambientAuthentication: true}\n")
    assert b"ambientAuthentication: true" in write_run_configuration(found.document, folder="", conda_file="")[""]


def test_conda_file_that_is_a_folder_is_told():
    def folder(path):
        raise IsADirectoryError(21, "Is a directory", path)

    with pytest.raises(BadInput) as refused:
        runconfig("environment: {name: e, python: {condaDependenciesFile: c.yml}}\n", folder)
    assert refused.value.key == "environment.python.condaDependenciesFile"


def test_environment_yaml_may_have_a_build(tmp_path):
    files = {"/p/e.yml": b"name: n\nbuild: {path: c}\n", "/p/c/Dockerfile": b"FROM x\n"}

    def read(path):
        return files[path] if path in files else not_there(path)

    found = read_environment("/p/e.yml", read=read, is_directory=lambda path: path == "/p/c")
    assert (found.name, found.build.dockerfile) == ("n", "FROM x\n")


REMOTE_JOB = b"""command: x
environment: azureml:e:1
code: azureml:c:1
resources: {instance_count: 2, instance_type: big, instance_priority: low}
inputs: {d: {path: azureml://datastores/d, type: uri_folder}, n: 3}
outputs: {o: {path: azureml://datastores/o, type: uri_folder}}
"""


def test_what_only_azure_has_of_a_job_is_left_out_and_told():
    made = import_job(REMOTE_JOB, file="j.yml", code="", environment=None)
    document = load_yaml(made.files[0][1], file="made").data
    assert document["resources"] == {"instance_count": 2}
    assert document["inputs"]["d"]["path"] == "./inputs/d"
    assert "path" not in document["outputs"]["o"]
    assert "code" not in document
    told = "\n".join(made.left)
    for part in ("resources: ", "code: azureml:c:1: there is no snapshot", "environment: azureml:e:1", "inputs.d: "):
        assert part in told, part


def test_job_gets_the_source_of_its_snapshot_and_the_environment_of_its_run():
    environment = {"docker": {"baseDockerfile": "FROM x"}, "python": {"condaDependencies": CONDA}}
    job = b"command: x\nresources: {instance_type: big}\n"
    made = import_job(job, file="j.yml", code="./code", environment=json.dumps(environment).encode())
    document = load_yaml(made.files[0][1], file="made").data
    assert document["code"] == "./code"
    assert document["environment"] == {"conda_file": CONDA}
    assert "resources" not in document
    assert any("its Dockerfile" in line for line in made.left)


def test_volume_that_cannot_be_read_waits_for_its_refusal_with_the_plan():
    assert read_docker_arguments(["-v", ":/d"], directory="/job", read=not_there).arguments == ("--volume=:/d",)


def test_graphics_processors_may_be_asked_for_by_the_word_that_they_are():
    assert read_gpus("capabilities=gpu")["Capabilities"] == [["gpu"]]


def test_job_keeps_an_environment_of_its_own():
    job = b"command: x\nenvironment: {image: x}\n"
    made = import_job(job, file="j.yml", code="", environment=None)
    assert load_yaml(made.files[0][1], file="made").data["environment"] == {"image": "x"}
    assert made.left == ()


def test_user_managed_environment_of_a_run_brings_its_image_alone():
    environment = {
        "docker": {"baseImage": "x"},
        "python": {"userManagedDependencies": True, "condaDependencies": CONDA},
    }
    made = import_job(b"command: x\n", file="j.yml", code="", environment=json.dumps(environment).encode())
    assert load_yaml(made.files[0][1], file="made").data["environment"] == {"image": "x"}


def test_null_in_a_run_configuration_is_what_is_not_there():
    found = runconfig(USER_MANAGED + "docker: {useDocker: }\nhistory: {outputCollection: }\n")
    assert found.document["docker"]["useDocker"] is False
    assert found.document["history"]["outputCollection"] is True


def test_run_configuration_without_an_environment_leaves_it_to_the_command_line():
    document = runconfig(USER_MANAGED).document | {"environment": None}
    assert spec_of_runconfig(document, directory="/p", packages=None, file="x", lines={}).environment is None


def test_null_in_a_record_is_what_was_not_planned():
    plan = Plan(
        target="local",
        experiment="e",
        environment=EnvironmentPlan(kind="interpreter", interpreter="/p"),
        source=SourcePlan(directory="/s"),
        argv=("python",),
        ranks=(RankPlan(rank=0, local_rank=0, node=0),),
    )
    recorded = json.loads(json.dumps(describe_plan(plan))) | {"container": None}
    assert read_recorded_plan(recorded, where="run.json") == plan
