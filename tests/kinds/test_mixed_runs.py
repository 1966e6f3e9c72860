"""Tables of mixed columns from the command line: fit, samples, scores, gaps, bad input."""

import dataclasses
import json

import numpy as np
import pandas as pd
import pytest
from commands import bad, good

import tfp_flows as tff
from tfp_flows.errors import InputError
from tfp_flows.kinds.tables.frames import load_frame
from tfp_flows.kinds.tables.settings import TableSettings

FIT = ["--hidden", 8, "--batch-size", 64, "--epochs", 2, "--no-plots"]


def table(rows: int = 240, seed: int = 0) -> pd.DataFrame:
    r = np.random.default_rng(seed)
    kind = r.choice(["ant", "bee"], rows)
    return pd.DataFrame(
        {
            "kind": np.where(r.uniform(size=rows) < 0.1, None, kind),
            "legs": r.poisson(4 + 3 * (kind == "bee")),
            "weight": np.where(r.uniform(size=rows) < 0.2, np.nan, r.gamma(3.0, size=rows)),
            "place": "here",
            "w": r.integers(1, 4, rows),
        }
    )


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("mixed")
    table().to_csv(folder / "ants.csv", index=False)
    table(12, seed=1).to_csv(folder / "new.csv", index=False)
    return folder


@pytest.fixture(scope="module")
def run(place):
    out = place / "run"
    options = [*FIT, "--weights", "w", "--by", "place"]
    done = good("fit", place / "ants.csv", *options, "--out", out)
    assert "weight: positive (all above 0; 2" in done.stderr
    assert "independent columns" in done.stdout
    # Epochs are told in the units of the report.
    training = json.loads((out / "metrics.json").read_text())["training"]
    losses = training["history"]["val_loss"]
    first = training["best_validation_nats"] + min(losses) - losses[0]
    assert f", validation {first:.3f}, best {first:.3f} nats" in done.stderr
    return out


def test_the_record(run):
    metrics = json.loads((run / "metrics.json").read_text())
    assert metrics["settings"]["flow"] == metrics["flow"]["name"] == "columns"
    assert metrics["data"]["columns"] == ["kind", "legs", "weight", "place"]
    assert metrics["data"]["modelled"] == 3
    assert set(metrics["columns"]) == {"kind", "legs", "weight"}
    test, gain = metrics["test"], metrics["gain_over_independent"]
    assert test["mean_nats"] - metrics["independent"]["mean_nats"] == pytest.approx(
        gain["mean_nats"], abs=1e-5
    )
    model, source = tff.open_run(run).model, tff.open_run(run).source()
    scores = model.log_prob(source.parts.test)
    mean = np.average(scores, weights=source.weights.test)
    assert mean == pytest.approx(test["mean_nats"], abs=1e-5)
    assert test["worst_row_of_file"] == source.parts.test.index[scores.argmin()] + 1
    scores = model.log_prob(source.parts.validation)
    best = np.average(scores, weights=source.weights.validation)
    assert metrics["training"]["best_validation_nats"] == pytest.approx(best, abs=1e-3)
    assert metrics["by"]["column"] == "place"
    (group,) = metrics["by"]["groups"]
    assert (group["value"], group["rows"]) == ("here", 24)
    assert group["mean_nats"] == pytest.approx(test["mean_nats"])


def test_samples(run, place):
    out = place / "samples.csv"
    good("sample", run, "-n", 300, "-o", out)
    samples = pd.read_csv(out)
    assert list(samples) == ["kind", "legs", "weight", "place"]
    assert set(samples["kind"]) == {"ant", "bee"}
    assert (samples["weight"] > 0).all()
    (place / "bees.csv").write_text("kind,leggs,w\nbee,1,1\nbee,2,1\nant,3,1\n")
    done = good("sample", run, "--given", place / "bees.csv", "-o", out)
    assert "are ignored: 'leggs' (did you mean 'legs'?), 'w'." in " ".join(done.stderr.split())
    assert pd.read_csv(out)["kind"].tolist() == ["bee", "bee", "ant"]
    good("sample", run, "-n", 20, "-o", place / "samples.parquet")
    assert len(pd.read_parquet(place / "samples.parquet")) == 20


def test_scores(run, place):
    out = place / "scores.csv"
    good("score", run, place / "new.csv", "--p-values", "--explain", 1, "-o", out)
    scores, model = pd.read_csv(out, keep_default_na=False), tff.open_run(run).model
    rows = pd.read_csv(place / "new.csv")
    np.testing.assert_allclose(scores["log_prob"], model.log_prob(rows), rtol=1e-5)
    assert scores["p_value"].between(0, 1).all()
    odd = rows.assign(weight=[-1.0, *rows["weight"][1:]])
    odd.to_csv(place / "odd.csv", index=False)
    done = good("score", run, place / "odd.csv", "-o", out)
    assert "row 1, column 'weight', -1.0" in done.stderr
    assert np.isneginf(pd.read_csv(out)["log_prob"][0])
    rows.assign(legs=rows["legs"] + 0.5 * (rows.index == 2)).to_csv(place / "odd.csv", index=False)
    done = good("score", run, place / "odd.csv", "-o", out)
    assert "1 in all; the first: row 3, column 'legs'" in " ".join(done.stderr.split())
    assert np.isneginf(pd.read_csv(out)["log_prob"]).tolist() == [k == 2 for k in range(12)]


@pytest.mark.deep
def test_scores_by_groups(run, place):
    out = place / "scores.csv"
    done = good("score", run, place / "new.csv", "--by", "kind", "-o", out)
    scores, kinds = pd.read_csv(out)["log_prob"], pd.read_csv(place / "new.csv")["kind"]
    shown = [line for line in done.stdout.splitlines() if line.startswith("bee")]
    bees = scores[kinds == "bee"]
    assert shown[0].split()[1:3] == [str(len(bees)), f"{bees.mean():.3f}"]
    options = ["score", run, place / "ants.csv", "-o", out, "--by"]
    assert "did you mean 'kind'" in bad(*options, "kinb")
    assert "weight, which has" in bad(*options, "weight")


@pytest.mark.deep
def test_a_check_by_groups(run, place):
    out = place / "by.json"
    done = good("check", run, "--data", place / "ants.csv", "--by", "kind", "-o", out)
    assert "kind (missing) are left out" in done.stderr
    found = json.loads(out.read_text())
    assert (found["by"], sorted(found["groups"])) == ("kind", ["ant", "bee"])
    # Rows count as they weigh: each is kept with its share of the largest weight.
    ants = pd.read_csv(place / "ants.csv")
    share = (ants["w"] / ants["w"].max())[ants["kind"] == "bee"]
    deviation = np.sqrt((share * (1 - share)).sum())
    assert abs(found["groups"]["bee"]["rows"] - share.sum()) < 4 * deviation + 1
    assert "which is not in the model" in bad("check", run, "--by", "place")


def test_gaps_are_filled(run, place):
    out = place / "filled.csv"
    good("impute", run, place / "new.csv", "-n", 2, "-o", out)
    filled, rows = pd.read_csv(out), pd.read_csv(place / "new.csv")
    assert len(filled) == 24
    assert filled.notna().all().all()
    assert filled["draw"].tolist() == [1] * 12 + [2] * 12
    there = rows["weight"].notna().to_numpy()
    np.testing.assert_allclose(filled["weight"][:12][there], rows["weight"][there])


@pytest.mark.deep
def test_a_schema_is_written_edited_and_used(run, place):
    path = place / "schema.toml"
    good("schema", run, "-o", path)
    text = path.read_text().replace('type = "integer"', 'type = "real"')
    path.write_text(text.replace("low = 0.0\n", ""))
    out = place / "edited"
    done = good("fit", place / "ants.csv", *FIT, "--schema", path, "--out", out)
    assert "legs: real (the schema file says so)" in done.stderr
    model = tff.open_run(out).model
    assert model.sample(20)["legs"].dtype.kind == "f"


@pytest.mark.deep
def test_columns_given_others(place):
    out = place / "conditional"
    good("fit", place / "ants.csv", *FIT, "--given", "kind", "--out", out)
    assert "give a file with these columns by --given" in bad("sample", out, "-o", place / "s.csv")
    (place / "kinds.csv").write_text("kind\nbee\nant\n")
    good("sample", out, "--given", place / "kinds.csv", "-o", place / "s.csv")
    assert pd.read_csv(place / "s.csv")["kind"].tolist() == ["bee", "ant"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--given", "kidn"], "did you mean 'kind'"),
        (["--given", "place"], "cannot be given: one text in every row"),
        (["--weights", "kind"], "give numbers"),
        (["--weights", "v"], "v"),
        (["--by", "kidn"], "did you mean 'kind'"),
        (["--by", "weight"], "give a column of at most 50"),
        (["--flow", "maf", "--given", "legs"], "--given: of --flow columns alone"),
        (["--flow", "columns", "--layers", 2], "has no --layers"),
        (["--flow", "columns", "--flow-option", "bins=3"], "has no option 'bins'"),
        (["--schema", "nowhere.toml"], "Cannot read the schema"),
    ],
)
def test_bad_options(place, options, message):
    assert message in bad("fit", place / "ants.csv", *FIT, *options, "--out", place / "bad")
    assert not (place / "bad").exists()


def test_rows_are_named_as_in_the_file_and_columns_read_beside_others(tmp_path):
    data = pd.DataFrame({"a": np.linspace(-1.3, 1.3, 80), "kind": ["x", "y"] * 40, "w": 1.0})
    data.loc[[2, 5], "a"] = np.nan
    data.to_csv(tmp_path / "t.csv", index=False)
    asked = TableSettings(data=str(tmp_path / "t.csv"), columns=["a"], weights="w", flow="columns")
    source = load_frame(dataclasses.replace(asked, given=["kind"]))
    assert source.schema.names == ["a", "kind"]
    assert source.weights.train.tolist() == [1.0] * 64
    (tmp_path / "s.toml").write_text('[columns.a]\ntype = "bounded"\nlow = -2\nhigh = 1.29\n')
    dropping = dataclasses.replace(asked, drop_invalid=True)
    with pytest.raises(InputError, match=r"1 of its values .* in row 80; "):
        load_frame(dataclasses.replace(dropping, table_schema=str(tmp_path / "s.toml")))
    data.loc[10, "w"] = -1.0
    data.to_csv(tmp_path / "u.csv", index=False)
    with pytest.raises(InputError, match="column 'w' is -1 in row 11"):
        load_frame(dataclasses.replace(dropping, data=str(tmp_path / "u.csv")))


def test_what_is_asked_of_other_runs(place):
    np.save(place / "plain.npy", np.random.default_rng(0).standard_normal((120, 2)))
    out = place / "plain"
    good("fit", place / "plain.npy", "--layers", 1, "--hidden", 4, *FIT[2:], "--out", out)
    assert tff.open_run(out).settings.flow == "maf"
    assert "--by is of --flow columns alone" in bad("check", out, "--by", "x0")
    assert "schema is of --flow columns alone" in bad("schema", out)


def test_given_values_that_cannot_be(run, place):
    (place / "wasps.csv").write_text("kind,legs\nbeee,4\n")
    refused = bad("sample", run, "--given", place / "wasps.csv", "-o", place / "s.csv")
    assert "'beee' in column 'kind'" in refused
    assert "nearest: 'bee'" in refused
    (place / "wasps.csv").write_text("legs,place\n4,here\n4,there\n")
    refused = bad("sample", run, "--given", place / "wasps.csv", "-o", place / "s.csv")
    assert "Row 2 has 'there' in column 'place', which is constant(value=here)." in refused
    options = ["--given", "place=there,legs=4", "-o", place / "s.csv"]
    assert "'there' is no value of column 'place'" in bad("sample", run, *options)


def test_infinite_cells_are_said_to_be_gaps(tmp_path):
    from tfp_flows.kinds.tables.frames import load_frame
    from tfp_flows.kinds.tables.settings import TableSettings

    odd = table().assign(legs=[np.inf, *np.random.default_rng(0).integers(0, 900, 239)])
    odd.to_csv(tmp_path / "odd.csv", index=False)
    source = load_frame(TableSettings(data=str(tmp_path / "odd.csv")).check())
    assert source.remarks()[-1] == "1 infinite cells are taken as missing."
    source.schema.fit(source.frame)
    assert source.schema.encode(source.frame, ["legs"]).cells[0, 0, 3] == 0


def test_a_large_table_has_a_limit_of_time(tmp_path, capsys):
    from tfp_flows.kinds.tables.settings import TableSettings

    path = tmp_path / "large.csv"
    path.write_text("a,b\n" + "x,1.5\ny,2.5\n" * 10_001)
    assert TableSettings(data=str(path)).check().minutes == 8
    assert "ends after 8 minutes" in capsys.readouterr().err
    assert TableSettings(data=str(path), minutes=1.0).check().minutes == 1
