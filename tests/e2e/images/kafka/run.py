"""Turns KAFKA_* variables into server.properties, formats the log once, becomes the broker."""

import os
import subprocess
from pathlib import Path

CLASSPATH = "/opt/kafka/libs/*"
LOG_DIR = Path(os.environ.get("KAFKA_LOG_DIRS", "/tmp/kraft-combined-logs"))  # noqa: S108
NOT_PROPERTIES = {"KAFKA_HEAP_OPTS", "KAFKA_JVM_PERFORMANCE_OPTS", "KAFKA_OPTS"}


def main() -> None:
    """Never returns."""
    properties = {
        name.removeprefix("KAFKA_").lower().replace("_", "."): value
        for name, value in os.environ.items()
        if name.startswith("KAFKA_") and name not in NOT_PROPERTIES
    }
    properties.setdefault("log.dirs", str(LOG_DIR))
    LOG_DIR.mkdir(parents=True, exist_ok=True)
    settings = LOG_DIR.parent / "server.properties"
    settings.write_text("".join(f"{key}={value}\n" for key, value in properties.items()))
    if not (LOG_DIR / "meta.properties").exists():
        cluster = os.environ.get("CLUSTER_ID", "5L6g3nShT-eMCtK--X86sw")
        subprocess.run(
            ["java", "-cp", CLASSPATH, "kafka.tools.StorageTool", "format", "-t", cluster,
             "-c", str(settings)],
            check=True,
        )  # fmt: skip
    heap = os.environ.get("KAFKA_HEAP_OPTS", "-Xmx512m").split()
    os.execvp("java", ["java", *heap, "-cp", CLASSPATH, "kafka.Kafka", str(settings)])  # noqa: S606


if __name__ == "__main__":
    main()
