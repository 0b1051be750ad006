from __future__ import annotations

import pytest

from localrun.errors import BadInput
from localrun.formats.conda_file import read_conda_file
from localrun.formats.docker_section import list_telling_names
from localrun.formats.environment import read_environment
from localrun.formats.requirements import read_requirements


def reader(files):
    def read(path):
        found = files.get(path)
        if isinstance(found, Exception):
            raise found
        if found is None:
            raise FileNotFoundError(2, "No such file", path)
        return found if isinstance(found, bytes) else found.encode()

    return read


def conda(text, files=()):
    return read_conda_file(text.encode(), file="/p/environment.yml", read=reader(dict(files)))


def requirements(text, files=()):
    data = text if isinstance(text, bytes) else text.encode()
    return read_requirements(data, file="/p/requirements.txt", read=reader(dict(files)))


def refer(reference, files=(), folders=()):
    return read_environment(reference, read=reader(dict(files)), is_directory=lambda path: path in folders)


@pytest.mark.parametrize("name", ["environment.yml", "environment.yaml"])
def test_folder_with_a_yaml_file_is_that_file(name):
    found = refer("/p", {f"/p/{name}": "dependencies: [python=3.11]"}, folders=("/p",))
    assert (found.python.conda, found.file) == (("python=3.11",), f"/p/{name}")
    both = {
        f"/p/{name}": "dependencies: [a]",
        "/p/azureml_environment.json": '{"name": "v1", "version": null, "python": {"userManagedDependencies": true}}',
    }
    assert refer("/p", both, folders=("/p",)).name == "v1"
    with pytest.raises(BadInput, match=r"no azureml_environment\.json") as caught:
        refer("/p", {f"/p/other/{name}": ""}, folders=("/p",))
    assert "environment.yml" in caught.value.hint


def test_conda_file_is_read():
    found = conda(
        "name: n\nchannels: [conda-forge, defaults]\nvariables: {A: 1, B: x}\n"
        "dependencies:\n- python=3.10\n- conda-forge::numpy >=1.26,<2\n- pip\n- pip:\n  - requests==2.32.3\n  - ./local\n"
    )
    assert found.name == "n"
    assert found.file == "/p/environment.yml"
    assert found.python.channels == ("conda-forge", "defaults")
    assert found.python.conda == ("python=3.10", "conda-forge::numpy >=1.26,<2", "pip")
    assert found.python.pip == ("requests==2.32.3", "./local")
    assert found.python.variables == (("A", "1"), ("B", "x"))
    assert found.python.directory == "/p"
    assert found.notes == ()


def test_pip_is_added_where_its_section_needs_it():
    assert conda("dependencies: [python, {pip: [a]}]").python.conda == ("python", "pip")
    assert conda("dependencies: [c::pip>=23, {pip: [a]}]").python.conda == ("c::pip>=23",)
    assert conda("dependencies: [python]").python.conda == ("python",)


def test_of_several_pip_sections_the_last_counts_with_a_note():
    found = conda("dependencies:\n- pip: [a]\n- pip: [b]\n")
    assert found.python.pip == ("b",)
    assert "environment.yml:2" in found.notes[0]


def test_prefix_and_foreign_keys_are_noted():
    found = conda("dependencies: [a]\nprefix: /x\nplatforms: [linux-64]\n")
    assert [note.split(": ")[1] for note in found.notes] == ["platforms", "prefix"]


def test_requirements_in_the_pip_section_are_expanded():
    files = {"/p/r/base.txt": "numpy # c\n-r more.txt\n", "/p/r/more.txt": "scipy\n"}
    found = conda("dependencies:\n- pip:\n  - -r r/base.txt\n  - a; python_version < '3.9'\n", files)
    assert found.python.pip == ("numpy", "scipy", "a; python_version < '3.9'")


@pytest.mark.parametrize(
    ("text", "line", "key", "words", "hint"),
    [
        ("dependencies:\n- python: 3.10\n", 2, "dependencies.0.python", "is a mapping", 'write "python=3.10"'),
        ("dependencies:\n- numpy:\n", 2, "dependencies.0.numpy", "is a mapping", "without the colon"),
        ("dependencies:\n- pip: [a]\n  npm: [b]\n", 2, "dependencies.0.pip", "found pip, npm", "only pip:"),
        ("dependencies:\n- npm: [a]\n", 2, "dependencies.0.npm", "expected a package or pip:", "only pip:"),
        ("dependencies:\n- 3.8\n", 2, "dependencies.0", "found the number 3.8", "as text"),
        ("dependencies:\n- \n", 2, "dependencies.0", "found nothing", "as text"),
        ("dependencies:\n- [a]\n", 2, "dependencies.0", "found a list", ""),
        ("dependencies:\n- {}\n", 2, "dependencies.0", "empty mapping", ""),
        ("dependencies:\n- ''\n", 2, "dependencies.0", "not a package", ""),
        ("dependencies:\n- -r x.txt\n", 2, "dependencies.0", "an option", "pip: section"),
        ("dependencies: numpy\n", 1, "dependencies", "expected a list, found the text 'numpy'", ""),
        ("dependencies:\n", 1, "dependencies", "expected a list, found nothing", ""),
        ("dependencies:\n- pip:\n", 2, "dependencies.0.pip", "expected a list, found nothing", ""),
        ("dependencies:\n- pip: [1.0]\n", 2, "dependencies.0.pip.0", "found the number 1.0", ""),
        (
            "dependencies:\n- pip:\n  - -r nope.txt\n",
            3,
            "dependencies.0.pip.0",
            "there is no file nope.txt",
            "/p/nope.txt",
        ),
        ("dependancies: [a]\n", 1, "dependancies", "unknown key", "did you mean dependencies?"),
        ("name: x\n", 1, "", "needs the key dependencies", ""),
        ("dependencies: [a]\nchannels: x\n", 2, "channels", "expected a list", ""),
        ("dependencies: [a]\nchannels: [3.10]\n", 2, "channels.0", "3.10 was read as the number 3.1", '"3.10"'),
        ("dependencies: [a]\nvariables: {A: [1]}\n", 2, "variables.A", "found a list", ""),
        ("dependencies: [a]\nvariables: {'A=B': 1}\n", 2, "variables.A=B", "cannot be the name", ""),
        ("dependencies: [a]\nname: 3\n", 2, "name", "expected text", ""),
        ("- a\n", 1, "", "expected a mapping, found a list", ""),
        ("", 0, "", "the file is empty", ""),
        ("# nothing\n", 0, "", "the file is empty", ""),
        ("x\n", 1, "", "expected a mapping, found the text 'x'", ""),
    ],
)
def test_bad_conda_files_are_refused_with_place_and_hint(text, line, key, words, hint):
    with pytest.raises(BadInput) as caught:
        conda(text)
    error = caught.value
    assert words in error.message
    assert hint in error.hint
    assert (error.file, error.line, error.key) == ("/p/environment.yml", line, key)


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("a\n\n# c\n  b==1  # why\nc#frag\n", ("a", "b==1", "c#frag")),
        (
            "a==1 \\\n    --hash=sha256:00 \\\n    --hash=sha256:11\nb\n",
            ("a==1 --hash=sha256:00 --hash=sha256:11", "b"),
        ),
        (
            "--index-url https://x/simple\n-e ./pkg\n-f wheels\n",
            ("--index-url https://x/simple", "-e ./pkg", "-f wheels"),
        ),
        ("a @ https://x/a-1.0.whl#sha256=00\n", ("a @ https://x/a-1.0.whl#sha256=00",)),
        ("a\\", ("a",)),
        ("a\\\n==1 \\\n# c\nb", ("a==1", "b")),
        ("a\r\nb\r\n", ("a", "b")),
        ("${TOKEN}\n", ("${TOKEN}",)),
        ("", ()),
    ],
)
def test_requirement_lines(text, lines):
    found = requirements(text)
    assert tuple(" ".join(line.split()) for line in found.python.pip) == lines
    assert found.python.conda == ("python", "pip")
    assert found.python.directory == "/p"


def test_requirements_may_be_utf_16_with_a_mark_as_pip_takes_them():
    assert requirements("näme\n".encode("utf-16")).python.pip == ("näme",)
    assert requirements(b"\xef\xbb\xbfa\n").python.pip == ("a",)


@pytest.mark.parametrize("form", ["-r {}", "-r{}", "--requirement {}", "--requirement={}", '-r "{}"'])
def test_every_form_of_including_a_file(form):
    assert requirements(form.format("sub/x.txt"), {"/p/sub/x.txt": "a\n"}).python.pip == ("a",)


def test_a_constraint_file_keeps_its_line_and_its_content_counts():
    one, two = (requirements("-c c.txt\na", {"/p/c.txt": text}).python.pip for text in ("x<1", "x<2"))
    assert one[0].startswith("-c /p/c.txt  # sha256 ")
    assert one != two


@pytest.mark.parametrize(
    ("text", "files", "file", "line", "words"),
    [
        ("a\n-r x.txt\n", {}, "/p/requirements.txt", 2, "there is no file x.txt"),
        ("-r requirements.txt\n", {}, "/p/requirements.txt", 1, "includes itself"),
        ("-r x.txt\n", {"/p/x.txt": "a\n-r y.txt", "/p/y.txt": "-r x.txt"}, "/p/y.txt", 1, "includes itself"),
        ("-r https://x/y.txt\n", {}, "/p/requirements.txt", 1, "not a local file"),
        ("-r x\n", {"/p/x": IsADirectoryError(21, "dir")}, "/p/requirements.txt", 1, "is a folder"),
        ("-r x\n", {"/p/x": PermissionError(13, "no")}, "/p/requirements.txt", 1, "may not be read"),
        ("-r x\n", {"/p/x": OSError(40, "loop")}, "/p/requirements.txt", 1, "cannot be read"),
        ("-r x\n", {"/p/x": b"\xff"}, "/p/x", 1, "not UTF-8"),
        (b"\xff\xfea", {}, "/p/requirements.txt", 0, "not valid UTF-16"),
        (b"a\0", {}, "/p/requirements.txt", 1, "NUL"),
    ],
)
def test_bad_requirements_are_refused(text, files, file, line, words):
    with pytest.raises(BadInput, match=words) as caught:
        requirements(text, files)
    assert (caught.value.file, caught.value.line) == (file, line)


def test_files_that_include_one_another_many_times_end():
    files = {f"/p/{level}.txt": f"-r {level + 1}.txt\n" * 2 + "a\n" for level in range(18)} | {"/p/18.txt": "a"}
    with pytest.raises(BadInput, match="more than 100 included files"):
        requirements("-r 0.txt", files)


def test_an_environment_is_known_by_its_file():
    files = {
        "/p/environment.yml": "dependencies: [python]",
        "/p/env.yaml": "name: e\nversion: 3\nimage: python:3.11\nconda_file: environment.yml\n",
        "/p/requirements.txt": "a",
        "/p/inline.yml": "image: x\nconda_file: {dependencies: [numpy]}",
    }
    assert refer("/p/environment.yml", files).python.conda == ("python",)
    assert refer("/p/requirements.txt", files).python.pip == ("a",)
    assert refer("/p/inline.yml", files).python.conda == ("numpy",)
    found = refer("/p/env.yaml", files)
    assert (found.name, found.image, found.python.conda) == ("e", "python:3.11", ("python",))
    assert refer("image:mcr.example.com/a/b:1@sha256:00", files).image == "mcr.example.com/a/b:1@sha256:00"


def test_a_v1_directory_is_an_environment():
    files = {
        "/d/azureml_environment.json": '{"name": "n", "docker": {"baseImage": "i:1"}}',
        "/d/conda_dependencies.yml": "dependencies: [python=3.10, {pip: [-r more.txt, ./pkg]}]",
        "/d/more.txt": "numpy\n",
        "/d/BaseDockerfile": "FROM x\n",
    }
    found = refer("/d", files, {"/d"})
    assert (found.name, found.python.conda, found.python.pip) == ("n", ("python=3.10", "pip"), ("numpy", "./pkg"))
    assert found.python.directory == "/d"
    assert found.notes == ("/d/BaseDockerfile: used instead of docker.baseImage i:1",)
    assert (found.build.dockerfile, found.build.context, found.image) == ("FROM x\n", "", "")


@pytest.mark.parametrize(
    ("files", "file", "key", "words"),
    [
        ({"azureml_environment.json": '{"name": "n"}'}, "/d/azureml_environment.json", "name", "there is no environment"),
        ({"azureml_environment.json": "{}"}, "/d", "", "no environment is defined here"),
        ({"azureml_environment.json": '{"name": "n", "python": {"condaDependencies": {}}}'}, "/d/azureml_environment.json",
         "", "needs the key dependencies"),
        ({"azureml_environment.json": '{"name": "n", "python": {}}', "conda_dependencies.yml": "name: x\n"},
         "/d/conda_dependencies.yml", "", "needs the key dependencies"),
        ({"azureml_environment.json": '{"name": "n", "environmentVariables": {"A=B": "1"}}'},
         "/d/azureml_environment.json", "environmentVariables.A=B", "cannot be the name"),
    ],
)  # fmt: skip
def test_what_is_wrong_in_a_v1_directory_is_told_with_its_file(files, file, key, words):
    given = {f"/d/{name}": text for name, text in files.items()}
    with pytest.raises(BadInput, match=words) as caught:
        read_environment(
            "/d", read=reader(given), is_directory=lambda path: path == "/d", find_registered=lambda _: None
        )
    assert (caught.value.file, caught.value.key) == (file, key)
    assert caught.value.hint


@pytest.mark.parametrize(
    ("reference", "files", "words"),
    [
        ("/p/Dockerfile", {"/p/Dockerfile": " \n"}, "/p/Dockerfile: the Dockerfile is empty"),
        ("/p/e.yml", {"/p/e.yml": "build: {path: .}", "/p/Dockerfile": ""}, "/p/Dockerfile: the Dockerfile is empty"),
        ("/p/e.yml", {"/p/e.yml": OSError(22, "it is not a regular file")}, "cannot be read: it is not a regular file"),
        ("/p/job.yml", {"/p/job.yml": "command: a\nenvironment: {image: i}"}, "this is a job, not an environment"),
    ],
)
def test_file_that_is_no_environment_is_refused_with_what_to_do(reference, files, words):
    with pytest.raises(BadInput) as caught:
        refer(reference, files)
    assert words in str(caught.value)
    assert caught.value.hint


@pytest.mark.parametrize(
    ("text", "context"),
    [
        ("FROM a\nRUN b\n", ""),
        ("FROM a\nCOPY x /x\n", "/p"),
        ("FROM a AS b\nFROM c\nCOPY --from=b /x /x\n", ""),
        ("FROM a\nADD https://example.org/x /x\n", ""),
        ("FROM a\n  add x /x\n", "/p"),
    ],
)
def test_folder_of_a_dockerfile_is_its_context_when_it_copies_from_there(text, context):
    build = refer("/p/train.Dockerfile", {"/p/train.Dockerfile": text}).build
    assert (build.dockerfile, build.context) == (text, context)
    assert build.dockerfile_path == ("train.Dockerfile" if context else "Dockerfile")


def test_names_in_a_dockerfile_that_look_like_secrets_are_told():
    found = refer("/p/Dockerfile", {"/p/Dockerfile": "FROM a\nARG PIP_TOKEN\nENV HOME=/x\n"})
    assert found.notes == ("/p/Dockerfile: PIP_TOKEN of the Dockerfile stays in the image; keep secrets out of it",)


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ("ENV HF_TOKEN=x", ["HF_TOKEN"]),
        ("ENV HF_TOKEN x=1", ["HF_TOKEN"]),
        ("env A=1 \\\n  API_KEY=2", ["API_KEY"]),
        ("ARG PASSWORD", ["PASSWORD"]),
        ("ARG A=1 DB_PASSWORD=2", ["DB_PASSWORD"]),
        ("ENV DB_PASSWORD hello", ["DB_PASSWORD"]),
        ("ENV TOKENIZERS_PARALLELISM=false MONKEY=1 KEY_OF=2", []),
        ("RUN echo HF_TOKEN=1", []),
    ],
)
def test_names_that_secrets_are_called_by_are_listed(line, names):
    assert list_telling_names(f"FROM a\n{line}\n") == names


def test_build_of_an_environment_yaml_is_its_context():
    files = {"/p/e.yml": "name: n\nbuild: {path: sub, dockerfile_path: docker/D}", "/p/sub/docker/D": "FROM a\n"}
    build = refer("/p/e.yml", files).build
    assert (build.dockerfile, build.context, build.dockerfile_path) == ("FROM a\n", "/p/sub", "docker/D")


def test_build_may_have_python_packages_on_top():
    files = {
        "/p/e.yml": "build: {path: .}\nconda_file: {dependencies: [python=3.11]}",
        "/p/Dockerfile": "FROM a\n",
    }
    found = refer("/p/e.yml", files)
    assert (found.build.dockerfile, found.python.conda) == ("FROM a\n", ("python=3.11",))


def test_image_may_name_its_interpreter():
    found = refer("image:a/b:1,interpreter=/opt/python")
    assert (found.image, found.interpreter) == ("a/b:1", "/opt/python")


def test_a_v1_directory_that_only_names_an_environment_is_looked_up():
    asked = []

    def find(reference):
        asked.append(reference)
        return {"name": "n", "python": {"userManagedDependencies": True}, "environmentVariables": {}}

    files = {"/d/azureml_environment.json": '{"name": "n", "version": 3}'}
    found = read_environment("/d", read=reader(files), is_directory=lambda path: path == "/d", find_registered=find)
    assert (found.interpreter, asked) == ("python", ["azureml:n:3"])


def test_every_file_of_a_v1_directory_is_looked_at():
    looked = []
    files = {"/d/azureml_environment.json": '{"name": "n", "python": {"userManagedDependencies": true}}'}
    read_environment("/d", read=reader(files), is_directory=lambda path: looked.append(path) or path == "/d")
    assert looked == ["/d", "/d/azureml_environment.json", "/d/conda_dependencies.yml", "/d/BaseDockerfile"]


def test_a_lock_file_in_a_v1_directory_counts_whatever_it_was_made_from():
    files = {
        "/d/azureml_environment.json": '{"name": "n"}',
        "/d/conda_dependencies.yml": "dependencies: [python]",
        "/d/conda-lock.yml": "version: 1\nmetadata: {platforms: [linux-64], sources: [a.yml]}\npackage: []",
    }
    python = refer("/d", files, folders=("/d",)).python
    assert (python.lock_file, [lock.sources for lock in python.locks]) == ("/d/conda-lock.yml", [("a.yml",)])


@pytest.mark.parametrize(
    ("reference", "text", "words"),
    [
        ("/p/folder", None, "/p/folder: there is no azureml_environment.json"),
        ("/p/Dockerfile", None, "there is no file /p/Dockerfile"),
        ("sklearn:3", None, "is not known"),
        ("azureml:x@latest", None, "there is no environment x@latest"),
        ("azureml://registries/r/environments/x", None, "there is no environment azureml://registries/r"),
        ("", None, "names no environment"),
        ("a\0b", None, "names no environment"),
        ("image:", None, "does not name an image"),
        ("image:-v", None, "does not name an image"),
        ("image:a/Mixed:1", None, "does not name an image"),
        ("image:a//b", None, "does not name an image"),
        ("image:a:1:2", None, "does not name an image"),
        ("/p/nope.yml", None, "there is no file /p/nope.yml"),
        ("/p/e.yml", "name: x", "expected image or conda_file or build, found none"),
        ("/p/e.yml", "image: a\nfoo: 1", "unknown key"),
        ("/p/e.yml", "imag: a", "unknown key"),
        ("/p/e.yml", "image: 3", "expected text"),
        ("/p/e.yml", "image: a b", "does not name an image"),
        ("/p/e.yml", "image: a\nbuild: {path: .}", "not both"),
        ("/p/e.yml", "build: {path: .}", "there is no file .*Dockerfile"),
        ("/p/e.yml", "build: {dockerfile_path: D}", "expected path"),
        ("/p/e.yml", "build: {path: 'https://a/b.git'}", "is not a folder on this machine"),
        ("/p/e.yml", "build: {path: ., dockerfile_path: ../D}", "outside of the build context"),
        ("/p/e.yml", "build: {pth: .}", "unknown key"),
        ("/p/e.yml", "image: a\nconda_file: 3", "found the number 3"),
        ("/p/e.yml", "image: a\nconda_file: file:c.yml", "is not a path"),
        ("/p/e.yml", "image: a\nconda_file: c.yml", "there is no file c.yml"),
        ("/p/e.yml", "image: a\nos_type: windows", "Windows"),
        ("/p/e.yml", "metadata: {}\npackage: []", "lock file"),
        ("/p/e.yml", "", "the file is empty"),
    ],
)
def test_what_is_no_environment_is_refused(reference, text, words):
    files = {} if text is None else {reference: text}
    with pytest.raises(BadInput, match=words):
        refer(reference, files, folders=("/p/folder",))


def test_registered_environment_is_found_by_name_and_by_reference():
    python = {"condaDependencies": {"channels": ["c"], "dependencies": ["python=3.11"]}}
    document = {"name": "train", "version": "2", "environmentVariables": {"A": "1"}, "python": python}
    asked = []

    def find(reference):
        asked.append(reference)
        return document

    for reference in ("train", "train:2", "azureml:train@latest"):
        spec = read_environment(reference, read=lambda path: b"", is_directory=lambda path: False, find_registered=find)
        assert (spec.name, spec.python.conda, spec.environment_variables) == ("train", ("python=3.11",), (("A", "1"),))
    assert asked == ["train", "train:2", "azureml:train@latest"]


def test_unknown_name_says_how_to_list_what_there_is():
    with pytest.raises(BadInput, match="there is no environment train") as raised:
        read_environment(
            "train", read=lambda path: b"", is_directory=lambda path: False, find_registered=lambda reference: None
        )
    assert "localrun env list" in raised.value.hint
