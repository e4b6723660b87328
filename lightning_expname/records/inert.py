"""A pickle read as data: nothing is imported, nothing called, whatever it holds.

It understands every opcode of protocols 0 to 5 (CPython's Lib/pickletools.py), but what would be
an object stays an `Opaque` note of what it would have been made of. Python's own Unpickler, even
with an inert `find_class`, hangs on a shared tuple as a key and fills the memory for one number
of its memo; here each step is counted and no key is hashed but scalars.
"""

from __future__ import annotations

import struct
from typing import Any

from .machine import MAX_STEPS, Global, Machine, Opaque, PickleError, Stored
from .opcodes import OPERATIONS, STOP

__all__ = ["Global", "InertReader", "Opaque", "PickleError", "Stored"]


class InertReader(Machine):
    """Reads one pickle after another from `data`.

    Example:
        >>> reader = InertReader(pickle.dumps({"lr": 0.1, "run": os.system}))
        >>> reader.load(), reader.names
        ({'lr': 0.1, 'run': Global(name='posix.system')}, {'posix.system'})
    """

    def load(self) -> Any:
        """The next pickle's value.

        Raises:
            PickleError: there is none, or it is damaged or too large.
        """
        self.stack, self.marks, self.memo = [], [], {}
        try:
            return self._run()
        except PickleError:
            raise
        except (IndexError, KeyError, TypeError, ValueError, struct.error) as error:
            raise PickleError(f"damaged at byte {self.at}: {type(error).__name__}") from error

    def _run(self) -> Any:
        data, operations = self.data, OPERATIONS
        for count in range(MAX_STEPS - self.steps):  # work that costs more is counted by `spend`
            code = data[self.at]
            self.at += 1
            if code == STOP:
                self.spend(count)
                return self.stack.pop()
            operations[code](self)
        raise PickleError(f"more than {MAX_STEPS} steps")
