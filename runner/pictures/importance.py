"""How much each key matters: a bar a key."""

from collections.abc import Mapping

from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from runner.pictures.axes import shortened
from runner.pictures.figure import MEMBER, new_figure


def importance(keys: Mapping[str, float], measure: str, title: str) -> Figure:
    """Bars, the longest on top.

    Args:
        keys: of each its share of the whole, 1.
        measure: what the share is of, and who has computed it.
        title: how far that is to be trusted.
    """
    shortest_first = sorted(keys, key=lambda key: keys[key])
    figure = new_figure(7, 1.5 + 0.4 * len(keys))
    axes = figure.add_subplot()
    bars = axes.barh(
        [shortened(key) for key in shortest_first], [keys[key] for key in shortest_first], 0.6, color=MEMBER
    )
    axes.bar_label(bars, [f"{keys[key]:.0%}" for key in shortest_first], padding=4, fontsize="small")
    axes.set_xlim(0, 1.1 * max(keys.values()))
    axes.xaxis.set_major_formatter(PercentFormatter(1))
    axes.tick_params(labelsize="small")
    axes.grid(axis="x", alpha=0.25)
    axes.set_axisbelow(True)
    axes.set_xlabel(measure, fontsize="small")
    axes.set_title(title, fontsize="medium")
    return figure
