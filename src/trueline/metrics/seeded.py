"""Random numbers that follow from a digest, so that the same question about the same data has the same answer.

What is guaranteed: the bits come from PCG64 (O'Neill, PCG: a family of simple fast space-efficient statistically good
algorithms for random number generation, 2014), whose stream, unlike that of numpy's distributions, numpy promises to
keep between versions (NEP 19); its 128 bits of state and stream are a SHA-256 of digest and purpose. From bits to
numbers only arithmetic written down here, `log`, `sqrt`, and scipy's inverse of the normal distribution are used. These
may differ in the last of 53 bits between machines; so what is made of the draws is rounded to six digits, far finer
than their own noise, before anybody sees it.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import ndtri

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Seeded:
    """A stream of random numbers; another for each purpose, so that one more draw here changes nothing there."""

    def __init__(self, digest: bytes, purpose: str) -> None:
        seed = sha256(len(digest).to_bytes(8, "big") + digest + purpose.encode()).digest()
        self._bits = np.random.PCG64()
        self._bits.state = {
            "bit_generator": "PCG64",
            "state": {"state": int.from_bytes(seed[:16], "big"), "inc": int.from_bytes(seed[16:], "big") | 1},
            "has_uint32": 0,
            "uinteger": 0,
        }

    def uniform(self, size: int) -> NDArray[np.float64]:
        """Numbers strictly between 0 and 1."""
        raw = np.asarray(self._bits.random_raw(size), np.uint64)
        return ((raw >> np.uint64(12)).astype(np.float64) + 0.5) * 2.0**-52

    def gamma(self, shapes: NDArray[np.float64], size: int) -> NDArray[np.float64]:
        """Draws from gamma distributions of scale 1.

        G. Marsaglia and W. W. Tsang, A simple method for generating gamma variables, ACM TOMS 26 (2000).

        Args:
            shapes: one positive number for each distribution.
            size: draws from each.

        Returns:
            `size` x ``len(shapes)``.
        """
        shape = np.broadcast_to(shapes, (size, len(shapes))).ravel()
        small = shape < 1
        d = np.where(small, shape + 1, shape) - 1 / 3
        drawn = np.empty(len(shape))
        open_ = np.arange(len(shape))
        while len(open_):
            x, u = ndtri(self.uniform(len(open_))), self.uniform(len(open_))
            scale = d if len(open_) == len(d) else d[open_]
            v = 1 + x / np.sqrt(9 * scale)
            v *= v * v
            # Most pass their cheap test, which only lets through what the exact one would.
            taken = (v > 0) & (u < 1 - 0.0331 * x**2 * x**2)
            unsure = np.flatnonzero((v > 0) & ~taken)
            power = v[unsure]
            exact = 0.5 * x[unsure] ** 2 + scale[unsure] * (1 - power + np.log(power))
            taken[unsure] = np.log(u[unsure]) < exact
            drawn[open_[taken]] = (scale * v)[taken]
            open_ = open_[~taken]
        # A shape below 1 is drawn as one above and shrunk, as they show in section 6.
        drawn[small] *= self.uniform(int(small.sum())) ** (1 / shape[small])
        return drawn.reshape(size, len(shapes))
