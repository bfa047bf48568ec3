"""``display()``: what a cell shows while it runs; and figures, which are shown without being asked to."""

import builtins
import functools
import io
import sys
import traceback

import _zblink as link

from zeroboot import bundle

# Something that the running cell has shown was too large.
truncated = False


def show(forms):
    """Show a bundle in its place among the output. Its text is all that a child of fork(2) can show."""
    global truncated
    if link.detached():
        print(forms["text/plain"], flush=True)
        return
    parts, was_cut = bundle.parts(forms)
    truncated = truncated or was_cut
    # What C code and children have written comes before it.
    link.flush()
    link.show(parts)


def display(*objects, raw=False):
    """Show objects in the richest form they have. With raw=True they are forms themselves, by MIME type."""
    for thing in objects:
        if not raw:
            show(bundle.of(thing, figure_forms))
        elif isinstance(thing, dict):
            text = thing.get("text/plain")
            show({**thing, "text/plain": text if isinstance(text, str) else ""})
        else:
            raise TypeError(f"display(raw=True) takes dicts of forms by MIME type, not {type(thing).__name__}")


def figure_forms(value):
    """The picture of a matplotlib figure, which has no such form of its own. Imports nothing."""
    module = sys.modules.get("matplotlib.figure")
    if module is None or not isinstance(value, module.Figure):
        return {}
    picture = io.BytesIO()
    options = {"format": "png", "facecolor": value.get_facecolor(), "edgecolor": value.get_edgecolor()}
    value.canvas.print_figure(picture, dpi=value.dpi, bbox_inches="tight", **options)
    return {"image/png": picture.getvalue()}


def _open_figures():
    """pyplot's figures, oldest first; None when nobody uses it."""
    helpers = sys.modules.get("matplotlib._pylab_helpers")
    return helpers and helpers.Gcf


def show_figures(shown=None):
    """Show what pyplot has open, but for what was shown already, and close it."""
    figures = _open_figures()
    if figures is None or not figures.figs or link.detached():
        return
    try:
        for manager in figures.get_all_fig_managers():
            figure = manager.canvas.figure
            # As in Jupyter, one that nothing was drawn in is none.
            if figure is not shown and (figure.axes or figure.lines):
                show(bundle.of(figure, figure_forms))
    except Exception:
        traceback.print_exc(file=sys.stderr)
    finally:
        figures.destroy_all()


def close_figures():
    """Close what pyplot has open and nobody waits for any more."""
    figures = _open_figures()
    if figures is not None and figures.figs and not link.detached():
        figures.destroy_all()


def begin_cell():
    """``pyplot.show()`` shows at once, as soon as there is a pyplot when a cell begins."""
    global truncated
    truncated = False
    pyplot = sys.modules.get("matplotlib.pyplot")
    if pyplot is not None and getattr(pyplot, "show", None) is not _pyplot_show:
        adopt(pyplot)


def adopt(pyplot):
    functools.update_wrapper(_pyplot_show, pyplot.show)
    pyplot.show = _pyplot_show


def _pyplot_show(*unused, **options):
    show_figures()


def install():
    builtins.display = display
