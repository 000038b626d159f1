"""Recorded requests as columns: an array for each member of the requests instead of a document for each request.

A column holds what was asked, not what some version made of it, so that any version, however it declares its facts,
reads the same column. `column` and `segment` are how requests are kept, `following` keeps them up with the audit,
`typed` reads a column as a fact, `cells` and `arithmetic` decide all rows at once, `comparison` counts what differs.
"""
