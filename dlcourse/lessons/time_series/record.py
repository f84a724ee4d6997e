"""Record lesson 31: its two networks over five seeds, on the same windows.

    dlcourse measure 31 forecasts    # about five minutes on two cores

It executes the lesson's own `recipe` cells. Recorded are the mean absolute error (GW) in September
and October, trained on January to August, and in November and December, each month by a network
trained on everything before it; of each also the mean of the seeds for each of the first 60 days.
"""

from dlcourse import notebooks

import numpy as np

SLUG = "time_series"
SEEDS = range(5)
PERIODS = ("Sep, Oct", "Nov, Dec")
NETWORKS = {"dense network": "fit_dense", "GRU": "fit_gru"}


def forecasts(recorded):
    """Train both networks with every seed and forecast both periods."""
    cells, facts = notebooks.recipe(SLUG), {}
    for name, fit in NETWORKS.items():
        errors, days = {period: [] for period in PERIODS}, {period: [] for period in PERIODS}
        for seed in SEEDS:
            cells["seed"] = seed
            forecast = cells[fit](cells["known"], cells["train_starts"])
            made = {
                "Sep, Oct": (forecast(cells["known"], cells["valid_starts"]), cells["chosen"]),
                "Nov, Dec": (cells["both_months"](cells["backtest"](cells[fit])), cells["closed"]),
            }
            for period, pair in made.items():
                errors[period].append(round(float(np.abs(np.subtract(*pair)).mean()), 4))
                days[period].append(cells["day_errors"](*pair))
            print(name, seed, errors, flush=True)
        facts[name] = {
            period: {
                "errors": errors[period],
                "days": [round(float(day), 4) for day in np.mean(days[period], axis=0)],
            }
            for period in PERIODS
        }
    return facts


PARTS = {"forecasts": forecasts}
