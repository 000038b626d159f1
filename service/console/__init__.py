"""The console: pages for everybody who is no programmer. It is a client of the API, in the same process.

A page calls the API's declared operations with the scopes of whoever is signed in (`calls`), so that nothing can be
done here that an API client cannot do.
"""

from service.console.blueprint import blueprint
from service.console.sessions import Sessions

__all__ = ["Sessions", "blueprint"]
