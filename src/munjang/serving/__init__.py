"""The server of `munjang serve`: models behind HTTP.

    request ─► guards ─► endpoint ─► service ─► engine ─► answer
               app.py    endpoints/  service.py engine.py

The event loop reads requests and writes responses. One engine thread runs the models, so that the
loop is never blocked and models never compete for the cores. Explanations, which may take long,
have a second one. A folder of runs is read by `runs/`.
"""
