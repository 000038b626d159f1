"""The pages, one module a kind: each has an `add_to` that adds its pages to the console."""
