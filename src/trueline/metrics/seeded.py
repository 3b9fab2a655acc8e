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
import scipy  # its parts are loaded when they are first asked for

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
        raw >>= np.uint64(12)
        numbers = raw.astype(np.float64)
        numbers += 0.5
        numbers *= 2.0**-52
        return numbers

    def gamma(self, shapes: NDArray[np.float64], size: int) -> NDArray[np.float64]:
        """Draws from gamma distributions of scale 1.

        G. Marsaglia and W. W. Tsang, A simple method for generating gamma variables, ACM TOMS 26 (2000).

        Args:
            shapes: one positive number for each distribution.
            size: draws from each.

        Returns:
            `size` x ``len(shapes)``.
        """
        small = shapes < 1
        d = np.where(small, shapes + 1, shapes) - 1 / 3
        drawn = np.empty((size, len(shapes)))
        flat = drawn.reshape(-1)
        open_ = np.arange(len(flat))
        while len(open_):
            x, u = scipy.special.ndtri(self.uniform(len(open_))), self.uniform(len(open_))
            if len(open_) == len(flat):  # the first time: all, in the place where they will stand
                v = np.divide(x.reshape(drawn.shape), np.sqrt(9 * d), out=drawn).reshape(-1)
                untaken = _untaken(v, x, u, d)
                drawn *= d
            else:
                of = open_ % len(d)
                v = x / np.sqrt(9 * d[of])
                untaken = _untaken(v, x, u, d[of])
                flat[open_] = v * d[of]  # those that are not taken are drawn anew
            open_ = open_[untaken]
        # A shape below 1 is drawn as one above and shrunk, as they show in section 6.
        if small.any():
            shrunk = self.uniform(size * int(small.sum())).reshape(size, -1)
            drawn[:, small] *= shrunk ** (1 / shapes[small])
        return drawn


def _untaken(
    v: NDArray[np.float64], x: NDArray[np.float64], u: NDArray[np.float64], d: NDArray[np.float64]
) -> NDArray[np.intp]:
    """Where what is proposed is not to be taken. `v` comes as x / sqrt(9 d), and is made what times d is proposed.

    `d` is repeated over the others. Arrays as large as these are worth not being made more often than needed.
    """
    v += 1
    v *= v * v
    square = np.square(x)
    cheap = square * 0.0331
    cheap *= square
    np.subtract(1, cheap, out=cheap)
    # Most pass their cheap test, which only lets through what the exact one would.
    unsure = np.flatnonzero((v <= 0) | (u >= cheap))
    power = v[unsure]
    possible = power > 0
    power = np.where(possible, power, 1.0)
    exact = 0.5 * square[unsure] + d[unsure % len(d)] * (1 - power + np.log(power))
    return unsure[~possible | (np.log(u[unsure]) >= exact)]
