"""Asking cutout services over the network: politely, completely and resumably.

`contract` is what a survey of this kind consists of, `engine` asks it, over `http` and with its
progress in a `journal`; `fits`, `vo` and `asking` are what several surveys share.
"""
