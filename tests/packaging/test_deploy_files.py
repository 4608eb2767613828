"""Files for containers, against the schemas of what reads them; nothing here starts a container (nightly)."""

import json
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
from ray_environment import ROOT

from rasa_emotion.plain_yaml import read_plain_yaml

pytestmark = pytest.mark.nightly

KUBERAY, COMPOSE = ROOT / "deploy" / "kuberay.yaml", ROOT / "bot_example" / "scaled" / "compose.yml"
# The last one in Python, which carries the schema of the Compose specification.
VALIDATORS = ("docker-compose==1.29.2", "kubernetes-validate==1.37.0")
PODS = """
import json, sys
import kubernetes_validate
for pod in json.load(sys.stdin):
    kubernetes_validate.validate(pod, "1.30", strict=True)
"""
SERVED = """
import json, sys
from ray.serve.schema import ServeDeploySchema
from rasa_emotion.service.ray_serve import from_args
(application,) = ServeDeploySchema.model_validate(json.load(sys.stdin)).applications
assert application.import_path == "rasa_emotion.service.ray_serve:from_args"
from_args(application.args)
"""


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the validators."""
    folder = tmp_path_factory.mktemp("validators")
    pip = [str(ROOT / ".tools" / "bin" / "uv"), "pip", "install", "--quiet", "--python", sys.executable]
    needs = ["jsonschema", "pyyaml", "typing-extensions", "importlib-resources"]
    subprocess.run([*pip, "--target", str(folder), "--no-deps", *VALIDATORS], check=True)
    subprocess.run([*pip, "--target", str(folder), *needs, "packaging"], check=True)
    return folder


def told(python: str, code: str, given: object, path: Path) -> None:
    """Run the code with this as its standard input; its failure is the test's."""
    run = subprocess.run(
        [python, "-c", code],
        check=False,
        input=json.dumps(given),
        text=True,
        capture_output=True,
        env={"PYTHONPATH": str(path)},
    )
    assert run.returncode == 0, run.stderr


def test_the_compose_file_follows_the_compose_specification(packages: Path) -> None:
    schema = json.loads((packages / "compose" / "config" / "compose_spec.json").read_text(encoding="utf-8"))
    # Draft 7 knows all that this schema uses.
    check = jsonschema.Draft7Validator({**schema, "$schema": "http://json-schema.org/draft-07/schema#"})
    compose = read_plain_yaml(COMPOSE.read_text(encoding="utf-8"))
    assert list(check.iter_errors(compose)) == []
    compose["services"]["balancer"]["prots"] = ["8080:8080"]
    assert [error.message for error in check.iter_errors(compose)] != []


def test_the_pods_of_kuberay_are_pods(packages: Path) -> None:
    cluster = read_plain_yaml(KUBERAY.read_text(encoding="utf-8"))["spec"]["rayClusterConfig"]
    groups = [cluster["headGroupSpec"], *cluster["workerGroupSpecs"]]
    pods = [
        {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "emotion"}, "spec": group["template"]["spec"]}
        for group in groups
    ]
    told(sys.executable, PODS, pods, packages)
    pods[0]["spec"]["volums"] = []
    with pytest.raises(AssertionError, match="volums"):
        told(sys.executable, PODS, pods, packages)


def test_ray_serve_takes_the_application_of_kuberay(ray_python: str) -> None:
    written = read_plain_yaml(KUBERAY.read_text(encoding="utf-8"))["spec"]["serveConfigV2"]
    told(ray_python, SERVED, read_plain_yaml(written), ROOT)
