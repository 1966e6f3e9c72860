"""Party of voters by their views, race, age, education, sex and income."""

import numpy as np

from benchmarks.inference.models.pieces import regression


def model(data):
    """Of ``partyid7`` and the columns."""
    age = np.array(data["age_discrete"])
    before, after = ("real_ideo", "race_adj"), ("educ1", "gender", "income")
    columns = [data[name] for name in before]
    columns += [age == 2, age == 3, age == 4]
    columns += [data[name] for name in after]
    return regression(data["partyid7"], [1, *columns])
