"""Parts of scores: none is lost, none is of another command, and figures are of what they say."""

import json
import os
import types

import numpy as np
import pandas as pd
import pytest

from tfp_flows.datasets import blocks
from tfp_flows.errors import InputError
from tfp_flows.kinds.tables import sampling
from tfp_flows.kinds.tables.groups import GroupMeans
from tfp_flows.kinds.tables.into_parts import outputs
from tfp_flows.kinds.tables.scoring import PlainScores, score
from tfp_flows.kinds.tables.verbs import SampleOptions, ScoreOptions

RUN = types.SimpleNamespace(
    path="run",
    metrics={
        "data": {"columns": ["a"], "named": True},
        "held_out": {"log_prob": list(range(-50, -10))},
    },
)


class Values(PlainScores):
    """The values themselves."""

    def _log_prob(self, table):
        return table.values[:, 0]


def scored(data, output, **options):
    scores = Values(RUN, ScoreOptions(data=str(data), output=output, **options))
    score(scores)
    return scores


def written(folder, texts):
    folder.mkdir()
    for name, values in texts.items():
        (folder / name).write_text("a\n" + "".join(f"{value}\n" for value in values))
    return folder


def test_each_part_has_one_of_its_own(tmp_path):
    names = ["log.2023.txt", "log.2024.txt"]
    data = written(tmp_path / "t", {name: [k, k + 0.5] for k, name in enumerate(names)})
    scored(data, tmp_path / "s")
    for k, name in enumerate(names):
        assert pd.read_csv(tmp_path / "s" / f"{name}.csv")["log_prob"].tolist() == [k, k + 0.5]
    parts = [tmp_path / name for name in ("a.csv", "b.CSV", "b.csv.bz2", "c.parquet")]
    assert list(outputs(parts)) == ["a.csv", "b.CSV.csv", "b.csv.bz2.csv", "c.parquet"]
    with pytest.raises(InputError, match=r"a\.CSV and a\.CSV\.csv would both be written as"):
        outputs([tmp_path / "a.CSV", tmp_path / "a.CSV.csv"])


def test_figures_after_a_break_say_of_which_parts_they_are(tmp_path, capsys):
    data = written(tmp_path / "t", {"1.csv": [-60, -1], "2.csv": [-70, -2], "3.csv": [-3, -4]})
    out, options = tmp_path / "s", {"false_alarms": 0.1}
    scored(data, out, **options)
    assert "2 of 6 rows have" in " ".join(capsys.readouterr().err.split())
    (out / "2.csv").unlink()
    with pytest.raises(InputError, match="--by tells means over all parts, and 2 of them are fin"):
        scored(data, out, by="a", **options)
    assert sorted(path.name for path in out.glob("[!.]*")) == ["1.csv", "3.csv"]
    scored(data, out, **options)
    assert "1 of 2 rows of the parts scored now have" in " ".join(capsys.readouterr().err.split())


def test_parts_are_of_one_content_of_their_options(tmp_path):
    data = written(tmp_path / "t", {"1.csv": [-60, -1], "2.csv": [-70, -2]})
    normal, options = tmp_path / "n.csv", {"p_values": True, "normal": str(tmp_path / "n.csv")}
    normal.write_text("a\n-20\n-30\n")
    scored(data, tmp_path / "s", **options)
    scored(data, tmp_path / "s", **options)
    normal.write_text("a\n-20\n-30\n-80\n")
    with pytest.raises(InputError, match="holds parts of another command"):
        scored(data, tmp_path / "s", **options)


def test_samples_are_given_one_content(tmp_path):
    def drawn(start, stop):
        return pd.DataFrame({"a": np.arange(start, stop)})

    given, more = tmp_path / "g.csv", {"count": 3, "block": 10, "drawn": drawn}
    given.write_text("b\n1\n")
    options = SampleOptions(output=tmp_path / "s", given=os.path.relpath(given))
    sampling.write_samples(RUN, options, **more)
    sampling.write_samples(RUN, options, **more)
    assert json.loads((tmp_path / "s" / ".parts.json").read_text())["command"]["given"][1] == 4
    given.write_text("b\n10\n")
    with pytest.raises(InputError, match="holds parts of another command"):
        sampling.write_samples(RUN, options, **more)
    text = SampleOptions(output=tmp_path / "other", given="b=1")
    sampling.write_samples(RUN, text, **more)
    assert json.loads((tmp_path / "other" / ".parts.json").read_text())["command"]["given"] == "b=1"


@pytest.mark.parametrize("groups", [300, 1000])
def test_groups_of_a_category_come_in_blocks_of_their_own(tmp_path, monkeypatch, groups):
    monkeypatch.setattr(blocks, "BLOCK_ROWS", 170)
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"a": rng.normal(size=1000), "k": rng.choice(["x", "y", "z"], 1000)})
    frame.loc[3::7, "a"] = np.nan
    frame = frame.astype({"k": "category"})
    for name in ("1", "2"):
        frame.to_parquet(tmp_path / f"{name}.parquet", row_group_size=groups, index=False)
    out = tmp_path / "s" / "t.csv"
    out.parent.mkdir()
    scores = scored(tmp_path, out, by="k", drop_invalid=True)
    found = {group["value"]: group for group in scores._groups.means()["groups"]}
    for value, rows in frame.dropna().groupby("k", observed=True)["a"]:
        assert found[value]["rows"] == 2 * len(rows)
        assert found[value]["mean_nats"] == pytest.approx(rows.mean(), rel=1e-9)


def test_a_value_is_one_group_whatever_the_type_of_its_block():
    means = GroupMeans("k")
    means.add(pd.Series([0, 10, 9]), np.array([-1.0, -5.0, -6.0]))
    means.add(pd.Series([0.0, np.nan]), np.array([-3.0, -7.0]))
    means.add(pd.Series(["0", "x", "10"]), np.array([-5.0, -8.0, -7.0]))
    found = means.means()["groups"]
    assert [(group["value"], group["rows"], group["mean_nats"]) for group in found] == [
        ("0", 3, pytest.approx(-3)),
        ("10", 2, pytest.approx(-6)),
        ("9", 1, -6),
        ("x", 1, -8),
        ("(missing)", 1, -7),
    ]
    alone = GroupMeans("k")
    alone.add(pd.Series([10, 9]), np.zeros(2))
    assert [group["value"] for group in alone.means()["groups"]] == ["9", "10"]
