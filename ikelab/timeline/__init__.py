"""A conversation as one self-contained trace, which a browser, a file or a terminal can show without the engine."""

from ikelab.timeline.recorded import trace_of
from ikelab.timeline.trace import FORMAT, Trace

__all__ = ["FORMAT", "Trace", "trace_of"]
