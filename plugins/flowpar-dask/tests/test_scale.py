"""What docs/scale.md shows can be copied: the cluster of jobs is made as it stands there, and a run goes to one.

There is no SLURM here: its job script is looked at, and the same way is gone with dask-jobqueue's own local jobs.
"""

from __future__ import annotations

import json
import os
import re
import select
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from flowpar.testing.page import blocks

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = (Path(__file__).parents[3] / "docs" / "scale.md").read_text(encoding="utf-8")
DEADLINE_S = 120
pytest.importorskip("dask_jobqueue")


def shown(section: str, language: str) -> str:
    return next(block.text for block in blocks(PAGE) if (block.section, block.language) == (section, language))


def run_python(text: str, folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", text]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=DEADLINE_S, check=False)


def test_the_jobs_for_slurm_are_what_the_page_says(tmp_path: Path) -> None:
    text = shown("SLURM", "py")
    made, _, rest = text.partition("cluster.adapt(")
    assert "cluster.scheduler_address" in rest

    done = run_python(f"{made}\nprint(cluster.job_script())\ncluster.close()", tmp_path)

    assert done.returncode == 0, done.stderr
    for line in (r"#SBATCH -p normal", r"#SBATCH --cpus-per-task=8", r"source /shared/venv/bin/activate"):
        assert re.search(rf"^{line}$", done.stdout, re.MULTILINE), done.stdout
    assert re.search(r"dask_worker .*--nthreads 1 .*--nworkers 8 ", done.stdout), done.stdout


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """The address that the page's cluster.py prints, with local jobs in the place of SLURM's, and small ones."""
    text = shown("SLURM", "py").replace("from dask_jobqueue import SLURM", "from dask_jobqueue.local import Local")
    text = text.replace("SLURMCluster(", "LocalCluster(").replace('    queue="normal",\n', "")
    text = text.replace('    walltime="02:00:00",\n', "").replace("=8,", "=2,").replace("32GB", "2GB")
    text = re.sub(r" +job_script_prologue=.*\n", "", text)
    (tmp_path / "cluster.py").write_text(text)
    with (tmp_path / "said").open("wb") as said:
        cluster = subprocess.Popen(
            [sys.executable, "cluster.py"], cwd=tmp_path, stdout=subprocess.PIPE, stderr=said, start_new_session=True
        )
    assert cluster.stdout is not None
    assert select.select([cluster.stdout], [], [], DEADLINE_S)[0]
    yield cluster.stdout.readline().decode().strip()
    cluster.stdout.close()
    os.killpg(cluster.pid, 15)
    cluster.wait(30)


def test_a_run_goes_to_a_cluster_of_jobs(tmp_path: Path, address: str) -> None:
    (tmp_path / "mixed.yaml").write_text(next(block.text for block in blocks(PAGE) if block.name == "mixed.yaml"))
    command = [sys.executable, "-m", "flowpar", "run", "mixed.yaml", "--executor", f"dask={address}", "-w", "2", "-q"]

    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=DEADLINE_S, check=False)

    assert done.returncode == 0, (done.stderr, (tmp_path / "said").read_text())
    (file,) = tmp_path.glob(".flowpar/runs/*/run.log.jsonl")
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    ended = {(line["task"], line["executor"]) for line in lines if line["event"] == "task.succeeded" and line["pid"]}
    assert ended == {("heavy", "dask"), ("light", "process")}


def test_the_cluster_for_kubernetes_is_what_the_operator_takes() -> None:
    found = find_spec("dask_kubernetes")
    if found is None or found.origin is None:
        pytest.skip("dask-kubernetes, which brings the schema, is not installed")
    jsonschema = pytest.importorskip("jsonschema")
    chart = Path(found.origin).parent / "operator" / "deployment" / "helm" / "dask-kubernetes-operator"
    resources = yaml.safe_load_all((chart / "crds" / "daskcluster.yaml").read_text())
    kinds = {each["spec"]["names"]["kind"]: each for each in resources}
    (version,) = kinds["DaskCluster"]["spec"]["versions"]
    cluster = yaml.safe_load(shown("Kubernetes", "text"))

    jsonschema.validate(cluster, closed(version["schema"]["openAPIV3Schema"]))

    assert cluster["apiVersion"] == f"{kinds['DaskCluster']['spec']['group']}/{version['name']}"
    container = cluster["spec"]["worker"]["spec"]["containers"][0]
    assert container["args"][-2:] == ["--nthreads", "1"]


def closed(schema: Any) -> Any:
    """Return a schema that takes no keys which it does not name: the server drops those without a word."""
    if isinstance(schema, list):
        return [closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    inner: dict[str, Any] = {key: closed(each) for key, each in schema.items()}
    names = inner.get("properties")
    if isinstance(names, dict) and isinstance(schema.get("type"), str):
        inner["additionalProperties"] = bool(schema.get("x-kubernetes-preserve-unknown-fields"))
        if "spec" in names:
            names.update(apiVersion={}, kind={}, metadata={})
    return inner
