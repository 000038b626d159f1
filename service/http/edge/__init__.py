"""How requests reach a thread: whole, and within a time. docs/adr/0012-the-kernel-buffers-requests.md says why."""
