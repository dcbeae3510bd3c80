"""What a system without fork, such as Windows, does not have is not here, either."""

from __future__ import annotations

import os
import select
import signal
import socket
import sys

for module in ("fcntl", "resource", "pwd", "grp", "termios", "tty", "pty", "syslog"):
    sys.modules[module] = None  # type: ignore[assignment]  # which is what forbids its import

for place, names in (
    (os, "fork forkpty getuid geteuid getgid getpgid setsid killpg sched_getaffinity pidfd_open fdatasync statvfs"),
    (os, "O_NOFOLLOW O_CLOEXEC O_NONBLOCK O_DIRECTORY mkfifo nice getloadavg posix_fallocate sync sysconf"),
    (select, "epoll poll"),
    (signal, "SIGKILL SIGHUP SIGQUIT SIGALRM SIGPROF SIGUSR1 SIGUSR2 SIGCHLD SIGPIPE SIGTSTP SIGCONT SIGTTOU SIGTTIN"),
    (signal, "SIGWINCH setitimer pthread_sigmask sigwait sigtimedwait alarm SIG_BLOCK SIG_SETMASK SIG_UNBLOCK"),
    (socket, "AF_UNIX send_fds recv_fds"),
):
    for name in names.split():
        if hasattr(place, name):
            delattr(place, name)
