"""Fits that are kept: cut short and gone on with, they end as if nothing had happened."""

import numpy as np
import pytest
import tensorflow_probability as tfp
from depth import quick

import tfp_flows as tff
from tfp_flows.vi.keeping import Kept

tfd = tfp.distributions
FIT = {"steps": 500, "draws": 32, "evaluation_draws": 500, "seed": 1, "verbose": False}
# One of couplings, which begins at a Gaussian that is trained first, and that Gaussian alone.
FLOWS = ("full_rank", "realnvp")
Y = np.random.default_rng(0).normal(1, 2, 20).astype(np.float32)


def model():
    return tfd.JointDistributionNamed(
        {
            "mu": tfd.Normal(0.0, 5.0),
            "tau": tfd.HalfCauchy(0.0, 5.0),
            "y": lambda mu, tau: tfd.Sample(tfd.Normal(mu, tau), 20),
        }
    )


@pytest.fixture(scope="module", params=quick(FLOWS, "full_rank"))
def options(request):
    """Of a fit by each of the flows."""
    return {**FIT, "flow": request.param}


@pytest.fixture(scope="module")
def cut(options, tmp_path_factory):
    """A file that a fit of five rounds left in its third."""
    path = tmp_path_factory.mktemp("kept") / "fit.npz"

    class Cut(Exception):
        pass

    def save(kept, training, bound, usual=Kept.save):
        usual(kept, training, bound)
        if training.number == 3:
            raise Cut

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Kept, "save", save)
        with pytest.raises(Cut):
            tff.vi.fit(model(), {"y": Y}, keep=path, **options)
    return path


def test_goes_on_as_if_it_had_not_been_cut(cut, options, tmp_path):
    path = tmp_path / "fit.npz"
    path.write_bytes(cut.read_bytes())
    whole = tff.vi.fit(model(), {"y": Y}, **options)
    resumed = tff.vi.fit(model(), {"y": Y}, keep=path, **options)
    assert len(resumed.history["elbo"]) == len(whole.history["elbo"]) == 5
    for name in ("elbo", "rate"):
        np.testing.assert_allclose(resumed.history[name], whole.history[name], rtol=1e-4)
    np.testing.assert_allclose(resumed.draws(50)["tau"], whole.draws(50)["tau"], rtol=1e-3)
    # When it is over it is not trained again.
    before = path.read_bytes()
    again = tff.vi.fit(model(), {"y": Y}, keep=path, **options)
    assert path.read_bytes() == before
    np.testing.assert_array_equal(again.draws(50)["tau"], resumed.draws(50)["tau"])


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"draws": 16}, "with draws 32, not 16"),
        pytest.param({"flow": "planar"}, "', not 'planar'", marks=pytest.mark.deep),
        pytest.param({"seed": 2}, "begun with seed 1, not 2", marks=pytest.mark.deep),
        ({"observed": {"y": Y + 0.1}}, "the model or its data have changed"),
    ],
)
def test_what_is_of_another_fit_is_refused(cut, options, changed, message):
    before = cut.read_bytes()
    with pytest.raises(tff.InputError, match=message):
        tff.vi.fit(**{"model": model(), "observed": {"y": Y}, "keep": cut, **options, **changed})
    assert cut.read_bytes() == before


def test_files_of_other_things_are_refused(tmp_path):
    path = tmp_path / "fit.npz"
    path.write_bytes(b"x")
    with pytest.raises(tff.InputError, match="is not a training state, or is damaged"):
        tff.vi.fit(model(), {"y": Y}, keep=path, flow="full_rank", **FIT)
