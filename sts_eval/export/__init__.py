"""A measured run in the formats that others read: the hub's `.eval_results`, and Every Eval Ever.

Both take accuracy before and after a tuning from the run's own answers. An export is a function of its record and the
options: made twice it gives the same bytes. What the record does not know is left out, never guessed.
"""

from sts_eval.export.every_eval_ever import to_every_eval_ever
from sts_eval.export.hub import to_hub
from sts_eval.export.source import Source, read_source
from sts_eval.export.writing import Exported, write_all

__all__ = ["Exported", "Source", "read_source", "to_every_eval_ever", "to_hub", "write_all"]
