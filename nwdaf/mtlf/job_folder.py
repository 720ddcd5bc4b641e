"""Names of the files in a job's folder; parent and child process agree on them here."""

TASK_FILE = "task.json"
RESULT_FILE = "result.json"
ARTIFACT_FOLDER = "artifact"
PARENT_FOLDER = "parent"

# Files of a version, as `ml_models.export` writes them.
GRAPH_FILE = "model.onnx"
CARD_FILE = "model_card.json"
WEIGHTS_FILE = "weights.safetensors"
