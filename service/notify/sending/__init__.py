"""How a batch of deliveries is sent: turn by turn, each turn pure, with a thin shell around it.

`context_reader` reads what is known of the readers; `choose` says which copies are handled now, by `plan` for each;
`turn` is what a turn looks like on its way; `sender` asks for places, marks, hands over and commits; `settle` says what
became of each copy; `stalls` how long a batch may stand still; `dead_letter` what becomes of one that is given up.
"""

from service.notify.sending.context_reader import ContextReader
from service.notify.sending.dead_letter import DeadLetterHandler
from service.notify.sending.plan import DeliveryPolicy, values_for
from service.notify.sending.sender import BatchSender

__all__ = ["BatchSender", "ContextReader", "DeadLetterHandler", "DeliveryPolicy", "values_for"]
