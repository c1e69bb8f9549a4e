"""Peer of benches/trust.rs: personalised PageRank by scipy's sparse product, one thread.

Usage: ppr.py FOLDER NODES DAMPING
FOLDER holds the arrays that the Rust side wrote. First a line of JSON says the version and the time to build; then each line
"KIND TOLERANCE STEPS" on standard input is solved and answered by a line of JSON; the masses are then in FOLDER/masses.
"""
import os

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"
import json
import sys
import time

try:
    import numpy as np
    import scipy
    import scipy.sparse
except ImportError:
    sys.exit(1)


def load(folder, name, kind):
    return np.fromfile(os.path.join(folder, name), dtype=kind)


def solve(matrix, restart, damping, tolerance, steps):
    """What nobody gets goes to the golden nodes, with the restart."""
    mass, done = restart.copy(), 0
    while done < steps:
        done += 1
        got = matrix @ mass
        got *= damping
        got += (1.0 - got.sum()) * restart
        change = np.abs(got - mass).sum()
        mass = got
        if change < tolerance:
            break
    return mass, done


def main():
    folder, nodes, damping = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
    sources, targets = load(folder, "sources", np.int32), load(folder, "targets", np.int32)
    weights, golden = load(folder, "weights", np.float64), load(folder, "golden", np.int32)
    start = time.perf_counter()
    out = np.bincount(sources, weights=weights, minlength=nodes)
    matrix = scipy.sparse.csr_matrix((weights / out[sources], (targets, sources)), shape=(nodes, nodes))
    build = time.perf_counter() - start
    matrices = {"f64": matrix, "f32": matrix.astype(np.float32)}
    restart = np.zeros(nodes)
    restart[golden] = 1 / len(golden)
    print(json.dumps({"version": "scipy " + scipy.__version__, "build_seconds": build, "entries": matrix.nnz}), flush=True)
    for line in sys.stdin:
        kind, tolerance, steps = line.split()
        begin = restart.astype(matrices[kind].dtype)
        start = time.perf_counter()
        mass, done = solve(matrices[kind], begin, damping, float(tolerance), int(steps))
        seconds = time.perf_counter() - start
        mass.astype(np.float64).tofile(os.path.join(folder, "masses"))
        print(json.dumps({"seconds": seconds, "steps": done}), flush=True)


main()
