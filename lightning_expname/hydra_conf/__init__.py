"""For Hydra: config groups (`logger: expname`, `callbacks: expname`) and the resolver `expname`."""

from __future__ import annotations
