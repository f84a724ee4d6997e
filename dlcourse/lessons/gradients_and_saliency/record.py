"""Record lesson 60: what its maps take away when the photographs are taken again, five times.

    dlcourse measure 60 maps    # about ten minutes on two cores

It runs the lesson's notebook up to its headline with the camera's noise of five seeds. Recorded is
the share of the probability that is lost at 2 %, by method, for each seed: the mean over the
photographs, that of the cat, and the mean if a signed map is ordered by size; and how alike the
maps from grey for two classes are.
"""

import json

from dlcourse import catalogue, notebooks

SLUG = "gradients_and_saliency"
SEEDS = range(5)
ASK = """
import json

signed = {name: maps[name] for name in list(maps)[2:5]} | controls
averaged = maps_by(noisy_slopes, samples=24, seed=seed)
signed["24 noisy slopes × way"] = averaged
lost_at_2["24 noisy slopes × way"] = lost(averaged, 0.02)


def by_direction(slope, image, k, **settings):
    length = np.abs(image - 0.5)
    return noisy_slopes(slope, image, k, **settings) / np.maximum(length, 1e-6)


lost_at_2["24 noisy slopes × sign of the way"] = lost(
    maps_by(by_direction, samples=24, seed=seed), 0.02
)
of_other = [
    crowded_gradients(tensorflow_slope, image, k, baseline=0.5, steps=steps).sum(axis=2)
    for image, k in zip(retaken, np.roll(answers, -1))
]
lost_at_2["from grey, map of the next class"] = lost(of_other, 0.02)

print(json.dumps({
    "mean": {name: float(values.mean()) for name, values in lost_at_2.items()},
    "cat": {name: float(values[titles.index("cat")]) for name, values in lost_at_2.items()},
    "by size": {
        name: float(lost(np.abs(found), 0.02).mean()) for name, found in signed.items()
    },
    "other class, from grey": {
        title: float(np.corrcoef(blocks(one).ravel(), blocks(other).ravel())[0, 1])
        for title, one, other in zip(titles, maps["integrated from grey"], of_other)
    },
}))"""


def measured(lesson, seed):
    """Return {quantity: {method: share}} of one run of the notebook."""
    notebook = notebooks.up_to_headline(lesson, seed)
    notebook.cells[-1].source = ASK
    with notebooks.kernel(notebook, lesson.notebook.parent, kernel_name="python3") as client:
        for index, cell in enumerate(notebook.cells):
            if cell.cell_type == "code":
                client.execute_cell(cell, index)
    return json.loads(notebook.cells[-1].outputs[-1]["text"])


def maps(recorded):
    """Run the notebook with every seed."""
    (lesson,) = (each for each in catalogue.lessons() if each.slug == SLUG)
    runs = []
    for seed in SEEDS:
        runs.append(measured(lesson, seed))
        print(seed, runs[-1], flush=True)
    return {
        quantity: {method: [round(run[quantity][method], 4) for run in runs] for method in methods}
        for quantity, methods in runs[0].items()
    }


PARTS = {"maps": maps}
