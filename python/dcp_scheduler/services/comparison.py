"""Results of one slice by several workers: which are the same."""

from __future__ import annotations

from ..dialects.result_values import kind_among, kind_of
from ..jobs.data import JobData
from ..jobs.redundancy import UnjudgedError
from ..model.work_request import Compared, SliceResult
from ..store.contents import Contents


def compared(data: JobData, contents: Contents, sent: SliceResult, unjudged: UnjudgedError) -> Compared:
    """Bit by bit, or within the job's tolerance: then the result is kept for others to be compared with."""
    tolerance = data.of(unjudged.job).wishes.tolerance
    if tolerance is None:
        return Compared(kind_of(sent.uri))
    known = [(kind, contents.get(content).decode("utf-8", "surrogatepass")) for kind, content in unjudged.known]
    content = contents.put(sent.uri.encode("utf-8", "surrogatepass"))
    return Compared(kind_among(sent.uri, known, tolerance), content, unjudged.count)
