"""Two moons and a masked autoregressive flow that was fitted to them."""

from typing import TYPE_CHECKING

from tfp_flows.plotting.plane import plot_flow_2d

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_ROWS, _SHOWN = 10_000, 1_000
_EPOCHS = 100


def draw() -> "Figure":
    """Fits the flow, in about half a minute, and draws data, samples and density."""
    import tensorflow as tf

    from tfp_flows import datasets, flows
    from tfp_flows.models import FlowModel

    tf.keras.utils.set_random_seed(0)
    flow = flows.maf(event_shape=2, seed=0)
    model = FlowModel(flow)
    steps = _EPOCHS * (_ROWS // 200)
    rate = tf.keras.optimizers.schedules.CosineDecay(3e-3, steps)
    model.compile(tf.keras.optimizers.Adam(rate, global_clipnorm=5.0))
    data = datasets.two_moons(_ROWS, seed=0)
    model.fit(data, epochs=_EPOCHS, batch_size=200, verbose=0)
    shown = datasets.two_moons(_SHOWN, seed=1)
    return plot_flow_2d(
        flow, shown, columns=["$x_1$", "$x_2$"], title="A masked autoregressive flow on two moons"
    )
