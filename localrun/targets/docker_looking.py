"""A rank in a container with the user's terminal.

The terminal is one of this machine. Its slave side is mounted into the container over the pipe that the rank's output
would take, and `launcher.sh` has the rank lead a session that opens it: so what is printed, the keys, Ctrl-C and the
size of the window are the kernel's business here as for a rank without a container.
"""

from __future__ import annotations

import os

from localrun.errors import BadInput

TYPE_CHECKING = False
if TYPE_CHECKING:
    from localrun.plan import ContainerPlan


def open_terminal(container: ContainerPlan) -> tuple[int, int]:
    """Open a terminal for a rank; give its master and its slave, which has the size of this process's terminal.

    Raises:
        BadInput: the rank's user could not open it.
    """
    from localrun.supervise import terminal

    user = container.user.partition(":")[0]
    if user not in {str(os.geteuid()), "0", "root"}:
        message = f"a terminal of this machine is not for {container.user or 'the user that the image names'}"
        hint = "leave --user out, or go into a container that runs: localrun exec -it RUN bash"
        raise BadInput(message, key="-t", hint=hint)
    return terminal.open_terminal()
