"""A live bar while something runs, which leaves one plain line behind when it is done."""

import time


class Bar:
    """Shows how far something is. Outside a notebook there is only the line at the end.

    Args:
        shown: Whether to show anything at all.
        work: What runs, such as "training".
    """

    SECONDS_BETWEEN_UPDATES = 0.2

    def __init__(self, shown, work):
        self.shown, self.work = shown, work
        self.handle, self.next_update = None, 0.0
        if self.shown and _in_notebook():
            from IPython.display import display

            bundle = self._bundle(f"{work.capitalize()} starts …", 0)
            self.handle = display(bundle, raw=True, display_id=True)

    def is_due(self) -> bool:
        """Say whether it is time to show something, which is at most five times a second."""
        if self.handle is None or (now := time.perf_counter()) < self.next_update:
            return False
        self.next_update = now + self.SECONDS_BETWEEN_UPDATES
        return True

    def show(self, text, share) -> None:
        """Show a text, and a bar that is filled up to `share` (0..1)."""
        self.handle.update(self._bundle(text, share), raw=True)

    def finish(self, line) -> None:
        """Replace the bar by the plain line that the notebook keeps."""
        if self.handle is not None:
            self.handle.update({"text/plain": str(line)}, raw=True)
        elif self.shown:
            print(line)

    def _bundle(self, text, share):
        bar = f'<progress value="{share:.3f}" max="1" aria-label="{self.work} progress"></progress>'
        return {"text/plain": text, "text/html": f"{bar} {text}"}


def _in_notebook():
    try:
        from IPython import get_ipython
    except ImportError:
        return False
    return getattr(get_ipython(), "kernel", None) is not None
