"""The console in a real browser: Debian's Chromium, driven by Playwright, against a `tocsin up` of its own."""
