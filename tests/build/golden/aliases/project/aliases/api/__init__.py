from ..marks import durable as task
from .pay import charge as charged
from .pay import *
