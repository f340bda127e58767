"""The argv[2] nearest of each entry of argv[1] by cosine, a thousand at once."""
import json
import sys

import numpy

ids = []
vectors = []
for line in open(sys.argv[1]):
    entry = json.loads(line)
    ids.append(entry["id"])
    vectors.append(numpy.array(entry["embedding"], dtype=numpy.float32))
k = int(sys.argv[2])
x = numpy.stack(vectors)
x /= numpy.linalg.norm(x, axis=1, keepdims=True)
for start in range(0, len(x), 1000):
    scores = x[start : start + 1000] @ x.T
    rows = numpy.arange(len(scores))
    scores[rows, rows + start] = -2
    best = numpy.argpartition(scores, -k, axis=1)[:, -k:]
    for row, of in enumerate(best):
        of = of[numpy.argsort(-scores[row, of])]
        near = [{"id": ids[i], "score": round(float(scores[row, i]), 6)} for i in of]
        print(json.dumps({"id": ids[start + row], "near": near}))
