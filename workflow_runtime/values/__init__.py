"""Values as they cross step and workflow boundaries: readable JSON, typed on the way back, never pickle.

What JSON has is itself. All else is an object with a ``$type``: ``{"$type": "Decimal", "value": "9.90"}``,
``{"$type": "shop.models.Order", "sku": "A1", "lines": […]}``.
"""

from workflow_runtime.values.calls import decode_call, return_hint
from workflow_runtime.values.classes import PROCESS_CLASSES, Classes
from workflow_runtime.values.decoding import decode, decode_error
from workflow_runtime.values.encoding import encode, encode_call, encode_error

__all__ = [
    "PROCESS_CLASSES",
    "Classes",
    "decode",
    "decode_call",
    "decode_error",
    "encode",
    "encode_call",
    "encode_error",
    "return_hint",
]
