"""What parent and child process agree on: files in a job's folder, and an exit status."""

TASK_FILE = "task.json"
RESULT_FILE = "result.json"
ARTIFACT_FOLDER = "artifact"
PARENT_FOLDER = "parent"
CHECKPOINT_FOLDER = "checkpoints"

# Exit status of a child that cannot do its task; the last line of its stderr says why.
UNWORKABLE = 3

# Files of a version, as `ml_models.export` writes them.
GRAPH_FILE = "model.onnx"
CARD_FILE = "model_card.json"
WEIGHTS_FILE = "weights.safetensors"
