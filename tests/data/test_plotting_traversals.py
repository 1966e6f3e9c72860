"""Latents moved one at a time: what the decoder is asked, and what is shown."""

import numpy as np
import pytest

from tfp_flows import plotting
from tfp_flows.errors import InputError

CENTRE, SCALE = np.array([1.0, 0.0, -2.0]), np.array([2.0, 1.0, 0.5])


class Autoencoder:
    """Means of which each pixel is known, of three latents; the second says most."""

    def __init__(self):
        self.asked = []

    def latent_kl(self, x, context=None, *, seed):
        return np.array([0.1, 2.0, 0.7])

    def encode(self, x, context=None, *, seed):
        return np.float32([[0.3, 0.2, 0.1]]) + x[:, 0, 0]

    def prior_moments(self, seed):
        return CENTRE, SCALE

    def decode(self, z, context=None):
        self.asked.append((z, context))
        return (0.5 + z[:, None, :, None] / 10) * np.ones([1, 4, 1, 1])


def test_each_row_moves_one_latent():
    vae, pictures = Autoencoder(), np.zeros([5, 4, 3, 1], np.float32)
    pictures[2] = 1.0
    told = np.arange(5)
    figure = plotting.plot_traversals(
        vae, pictures, told, hold=2, count=2, columns=5, span=(-1, 1), title="T"
    )
    ((z, context),) = vae.asked
    expected = np.tile(np.float32([1.3, 1.2, 1.1]), [2, 5, 1])
    expected[0, :, 1] = np.linspace(-1, 1, 5)
    expected[1, :, 2] = -2 + 0.5 * np.linspace(-1, 1, 5)
    np.testing.assert_allclose(z, expected.reshape(10, 3), rtol=1e-6)
    np.testing.assert_array_equal(context, np.full(10, 2))
    assert [axes.get_ylabel() for axes in figure.axes] == ["1\n2.00 nats", "2\n0.70 nats"]
    for axes, row in zip(figure.axes, expected, strict=True):
        shown = axes.images[0].get_array()
        assert shown.shape == (4, 5 * 3 + 4 * 2, 3)
        for place, latents in enumerate(row):
            levels = 255 * np.clip(0.5 + latents / 10, 0, 1)
            np.testing.assert_allclose(shown[1, 5 * place : 5 * place + 3, 0], levels, atol=0.51)
    ticks = [label.get_text() for label in figure.axes[-1].get_xticklabels()]
    assert ticks == ["-1", "-0.5", "0", "0.5", "1"]


def test_latents_that_are_chosen():
    vae = Autoencoder()
    figure = plotting.plot_traversals(vae, np.zeros([1, 4, 3, 1]), latents=[0], columns=2)
    np.testing.assert_allclose(vae.asked[0][0], [[-4, 0.2, 0.1], [6, 0.2, 0.1]], rtol=1e-6)
    assert vae.asked[0][1] is None
    assert figure.axes[0].images[0].get_array()[0, 0, 0] in (25, 26)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"pictures": np.zeros([3, 4])}, r"need pictures .* got \(3, 4\)"),
        ({"hold": 1}, "hold is 1; there are 1 pictures"),
        ({"latents": [3]}, r"latents are \[3\]; give some of 0 to 2"),
        ({"latents": []}, "give some of 0 to 2"),
        ({"columns": 1}, "2 columns at least"),
    ],
)
def test_what_will_not_do(options, message):
    with pytest.raises(InputError, match=message):
        plotting.plot_traversals(Autoencoder(), **{"pictures": np.zeros([1, 4, 3, 1]), **options})
