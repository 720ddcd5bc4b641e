"""MLflow's model registry as the peer of `benchmarks/repository.py`, in its own environment.

Runs there as ``python mlflow_peer.py TRACKING_URI DATABASE FILE`` and takes orders on stdin, one
JSON list a line: ``["resolve", 20]`` does twenty look-ups and answers with a line when done.
"""

import json
import shutil
import sqlite3
import sys
import tempfile
from pathlib import Path

import mlflow
from mlflow import MlflowClient

NAME = "gan-gdm"
_PAGE = 1000


class Peer:
    """What the benchmark asks of MLflow.

    Args:
        uri: Of its server.
        database: Its SQLite file, for versions that are made in bulk.
        file: What is published.
    """

    def __init__(self, uri: str, database: Path, file: Path) -> None:
        mlflow.set_tracking_uri(uri)
        self._client = MlflowClient(uri)
        self._database = database
        self._file = file
        self._run_id = ""

    def prepare(self, name: str, count: int) -> None:
        """A model with `count` versions, the alias `champion` on the middle one.

        The first is made through the API and copied in the database.
        """
        self._client.create_registered_model(name)
        run = self._client.create_run("0")
        source = f"{run.info.artifact_uri}/model"
        self._client.create_model_version(name, source, run.info.run_id)
        with sqlite3.connect(self._database, timeout=60) as connection:
            connection.row_factory = sqlite3.Row
            query = "SELECT * FROM model_versions WHERE name = ?"
            row = dict(connection.execute(query, (name,)).fetchone())
            marks = ", ".join(f":{column}" for column in row)
            connection.executemany(
                f"INSERT INTO model_versions ({', '.join(row)}) VALUES ({marks})",  # noqa: S608
                ({**row, "version": number} for number in range(2, count + 1)),
            )
        connection.close()
        self._client.set_registered_model_alias(name, "champion", str(max(1, count // 2)))

    def publish(self, count: int) -> None:
        """Upload the file and register it as a version, `count` times."""
        for _ in range(count):
            run = self._client.create_run("0")
            self._run_id = run.info.run_id
            self._client.log_artifact(self._run_id, str(self._file), "model")
            source = f"{run.info.artifact_uri}/model"
            self._client.create_model_version("published", source, self._run_id)

    def fetch(self, count: int) -> None:
        """Download the file that was published last; MLflow compares no digest."""
        for _ in range(count):
            folder = tempfile.mkdtemp()
            self._client.download_artifacts(self._run_id, f"model/{self._file.name}", folder)
            shutil.rmtree(folder)

    def resolve(self, count: int) -> None:
        """Look the alias up."""
        for _ in range(count):
            self._client.get_model_version_by_alias(NAME, "champion")

    def list(self, count: int) -> None:
        """The first thousand versions."""
        for _ in range(count):
            found = self._client.search_model_versions(f"name='{NAME}'", max_results=_PAGE)
            if len(found) != _PAGE:
                raise RuntimeError(f"MLflow found {len(found)} versions instead of {_PAGE}")


def main() -> None:
    """Serve orders until stdin ends."""
    peer = Peer(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
    peer.prepare("published", 1)
    for line in sys.stdin:
        order, *arguments = json.loads(line)
        getattr(peer, order)(*arguments)
        print(json.dumps("done"), flush=True)


if __name__ == "__main__":
    main()
