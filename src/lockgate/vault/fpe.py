"""FF1 format-preserving encryption, NIST SP 800-38G: a permutation of the strings of one length over one alphabet."""

from collections.abc import Sequence
from dataclasses import dataclass

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

DIGITS = "0123456789"
MINIMUM_DOMAIN = 1_000_000  # SP 800-38G rev. 1: radix^length >= 10^6, because smaller domains fall to guessing
MAXIMUM_LENGTH = 4096
MAXIMUM_TWEAK_BYTES = 256
_ROUNDS = 10
_SHAPES_KEPT = 1024


class DomainRefused(ValueError):
    """The value's format has too few members to hide in, is too long, or uses a character outside the alphabet."""


@dataclass(frozen=True, slots=True)
class _Shape:
    """What depends only on length and tweak. Names in quotation marks are the standard's."""

    low: int                # radix^u, the modulus of even rounds
    high: int               # radix^v, the modulus of odd rounds
    length_bytes: int       # "d": how much of the stream makes the number y
    rest_bytes: int         # the end of Q that changes with the round, whole blocks
    tops: tuple[int, ...]   # for each round: that end of Q without NUM(B), already mixed with the CBC-MAC so far


class FF1:
    """One key over one alphabet. Not for several threads at once: the cipher context is shared between calls.

    FF3 and FF3-1 are withdrawn (SP 800-38G rev. 1) and absent on purpose. A context built per call would cost more
    than the ten rounds together, so one ECB context lives as long as the key; ECB only serves as the block function
    of the CBC-MAC the standard prescribes.
    """

    def __init__(self, key: bytes, *, alphabet: str = DIGITS) -> None:
        if len(set(alphabet)) != len(alphabet) or not 2 <= len(alphabet) <= 65536:
            raise ValueError("an alphabet has 2 to 65536 different characters")
        self.radix = len(alphabet)
        self._alphabet = alphabet
        self._index = {char: place for place, char in enumerate(alphabet)}
        self._block = Cipher(algorithms.AES(key), modes.ECB()).encryptor().update  # noqa: S305 - see above
        self._shapes: dict[tuple[int, bytes], _Shape] = {}

    def encrypt(self, text: str, tweak: bytes = b"") -> str:
        """``text`` permuted within its own length and alphabet; the same key and tweak give it back."""
        return self._spell(self.encrypt_numerals(self._read(text), tweak))

    def decrypt(self, text: str, tweak: bytes = b"") -> str:
        """The inverse of `encrypt`."""
        return self._spell(self.decrypt_numerals(self._read(text), tweak))

    def encrypt_numerals(self, numerals: Sequence[int], tweak: bytes = b"") -> list[int]:
        """`encrypt` for a sequence of numerals 0 to radix - 1, most significant first."""
        return self._split(self.encrypt_number(self._join(numerals), len(numerals), tweak=tweak), len(numerals))

    def decrypt_numerals(self, numerals: Sequence[int], tweak: bytes = b"") -> list[int]:
        """The inverse of `encrypt_numerals`."""
        return self._split(self.decrypt_number(self._join(numerals), len(numerals), tweak=tweak), len(numerals))

    def encrypt_number(self, value: int, length: int, *, tweak: bytes = b"") -> int:
        """`encrypt` for the number that ``length`` numerals spell in base radix: the quickest of the three forms."""
        shape = self._shapes.get((length, tweak)) or self._shape(length, tweak)
        if not 0 <= value < shape.low * shape.high:
            raise DomainRefused("the value does not fit its length")
        low, high, tops = shape.low, shape.high, shape.tops
        a, b = divmod(value, high)
        if shape.rest_bytes == 16 and shape.length_bytes <= 16:
            block, number, drop = self._block, int.from_bytes, 8 * (16 - shape.length_bytes)
            for at in range(0, _ROUNDS, 2):
                a = (a + (number(block((tops[at] ^ b).to_bytes(16, "big")), "big") >> drop)) % low
                b = (b + (number(block((tops[at + 1] ^ a).to_bytes(16, "big")), "big") >> drop)) % high
        else:
            for at in range(0, _ROUNDS, 2):
                a = (a + self._y(shape, tops[at] ^ b)) % low
                b = (b + self._y(shape, tops[at + 1] ^ a)) % high
        return a * high + b

    def decrypt_number(self, value: int, length: int, *, tweak: bytes = b"") -> int:
        """The inverse of `encrypt_number`."""
        shape = self._shapes.get((length, tweak)) or self._shape(length, tweak)
        if not 0 <= value < shape.low * shape.high:
            raise DomainRefused("the value does not fit its length")
        a, b = divmod(value, shape.high)
        for at in range(_ROUNDS - 2, -1, -2):
            b = (b - self._y(shape, shape.tops[at + 1] ^ a)) % shape.high
            a = (a - self._y(shape, shape.tops[at] ^ b)) % shape.low
        return a * shape.high + b

    def _y(self, shape: _Shape, rest: int) -> int:
        """Steps 6ii to 6iv of the standard: CBC-MAC over what is left of Q, then ``length_bytes`` of key stream."""
        block, size = self._block, shape.rest_bytes
        state = 0
        for shift in range(8 * (size - 16), -1, -128):
            state = int.from_bytes(block((state ^ ((rest >> shift) & ((1 << 128) - 1))).to_bytes(16, "big")), "big")
        stream, wanted = state.to_bytes(16, "big"), shape.length_bytes
        for counter in range(1, -(-wanted // 16)):
            stream += block((state ^ counter).to_bytes(16, "big"))
        return int.from_bytes(stream[:wanted], "big")

    def _shape(self, length: int, tweak: bytes) -> _Shape:
        if not 2 <= length <= MAXIMUM_LENGTH or self.radix**length < MINIMUM_DOMAIN:
            raise DomainRefused("FF1 needs a format of at least a million values and at most 4096 characters")
        if len(tweak) > MAXIMUM_TWEAK_BYTES:
            raise DomainRefused("an FF1 tweak has at most 256 bytes")
        u = length // 2
        v = length - u
        low, high = self.radix**u, self.radix**v
        number_bytes = -(-(high - 1).bit_length() // 8)             # "b"
        length_bytes = 4 * -(-number_bytes // 4) + 4                # "d"
        p = b"\x01\x02\x01" + self.radix.to_bytes(3, "big") + bytes([_ROUNDS, u % 256])
        p += length.to_bytes(4, "big") + len(tweak).to_bytes(4, "big")
        fixed = tweak + bytes((-len(tweak) - number_bytes - 1) % 16)
        whole = len(fixed) // 16 * 16
        state = bytes(16)
        for at in range(0, 16 + whole, 16):
            mixed = int.from_bytes(state, "big") ^ int.from_bytes((p + fixed)[at : at + 16], "big")
            state = self._block(mixed.to_bytes(16, "big"))
        rest_bytes = len(fixed) - whole + 1 + number_bytes
        base = int.from_bytes(fixed[whole:] + bytes(1 + number_bytes), "big")
        base ^= int.from_bytes(state, "big") << (8 * (rest_bytes - 16))
        tops = tuple(base ^ (number << (8 * number_bytes)) for number in range(_ROUNDS))
        shape = _Shape(low=low, high=high, length_bytes=length_bytes, rest_bytes=rest_bytes, tops=tops)
        if len(self._shapes) >= _SHAPES_KEPT:
            self._shapes.clear()
        self._shapes[length, tweak] = shape
        return shape

    def _read(self, text: str) -> list[int]:
        try:
            return [self._index[char] for char in text]
        except KeyError:
            raise DomainRefused("a character is outside the alphabet") from None

    def _spell(self, numerals: Sequence[int]) -> str:
        return "".join(self._alphabet[numeral] for numeral in numerals)

    def _join(self, numerals: Sequence[int]) -> int:
        value = 0
        for numeral in numerals:
            if not 0 <= numeral < self.radix:
                raise DomainRefused("a numeral is outside the radix")
            value = value * self.radix + numeral
        return value

    def _split(self, value: int, length: int) -> list[int]:
        numerals = [0] * length
        for at in range(length - 1, -1, -1):
            value, numerals[at] = divmod(value, self.radix)
        return numerals
