"""How requests reach a thread: whole, and within a time. docs/adr/0011-the-kernel-buffers-requests.md says why."""
