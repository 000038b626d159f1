"""What an earlier release left behind: today's code opens it, goes on with it and loses nothing.

`make.py` writes the data with the code of that release, once. What is there is never written anew: it is what
installations hold.
"""
