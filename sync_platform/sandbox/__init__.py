"""An invented Hong Kong, and a server that plays every platform over it.

What belongs here: everything that imitates a platform. What doesn't: any part of the sync itself, which this package
never imports. What is special to one platform is only in its module of `views/`.
"""
