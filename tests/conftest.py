"""What all tests share: one thread for linear algebra, set before anything imports numpy."""

import os

# Matrices are small here, and a busy machine makes threads wait for each other.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(_name, "1")
