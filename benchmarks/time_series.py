"""Measure lesson 31: its two networks over five seeds, on the same windows.

    python benchmarks/time_series.py

Takes about five minutes on two cores. It executes the lesson's own `recipe` cells and writes what
the lesson shows, dlcourse/lessons/time_series.json: the mean absolute error (GW) in September and
October, trained on January to August, and in November and December, each month by a network
trained on everything before it; of the latter also the mean of the seeds for each day.
"""

import json

from dlcourse import lessons, notebooks, runtime

import numpy as np

SLUG = "time_series"
SEEDS = range(5)
NETWORKS = {"dense network": "fit_dense", "GRU": "fit_gru"}


def main():
    cells = notebooks.recipe(SLUG)
    facts = {"cores": runtime.available_cores()}
    for name, fit in NETWORKS.items():
        facts[name] = {"Sep, Oct": [], "Nov, Dec": []}
        days = []
        for seed in SEEDS:
            cells["seed"] = seed
            forecast = cells[fit](cells["known"], cells["train_starts"])
            chosen = cells["error"](forecast, cells["known"], cells["valid_starts"])
            forecasts = cells["backtest"](cells[fit])
            closed = cells["error_in"](forecasts, "Nov", "Dec")
            days.append(cells["day_errors"](forecasts))
            facts[name]["Sep, Oct"].append(round(chosen, 4))
            facts[name]["Nov, Dec"].append(round(closed, 4))
            print(name, seed, facts[name], flush=True)
        facts[name]["days"] = [round(float(day), 4) for day in np.mean(days, axis=0)]
    path = lessons.FOLDER / f"{SLUG}.json"
    path.write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
