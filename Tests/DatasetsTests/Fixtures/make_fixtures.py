"""Writes the small files that the tests of Datasets read, with NumPy, Python's wave module and a few lines for PNG and IDX.

    python3 make_fixtures.py        # in this folder

Every array holds the same numbers, so that the tests can say what they expect: element i of an array is (37 i + 11) mod 101.
"""
import gzip
import struct
import wave
import zlib

import numpy as np


def numbers(*shape):
    return ((37 * np.arange(int(np.prod(shape))) + 11) % 101).reshape(shape)


def npy():
    for kind in ["u1", "i1", "<i2", "<i4", "<i8", ">i4", "<f2", "<f4", "<f8", ">f8", "?"]:
        name = kind.strip("<>?") or "b1"
        name = {"<": "", ">": "big_"}.get(kind[0], "") + name
        np.save(f"{name}.npy", (numbers(4, 3) % 2 if kind == "?" else numbers(4, 3)).astype(kind))
    np.save("columns.npy", np.asfortranarray(numbers(2, 3, 4).astype("<f4")))
    np.save("vector.npy", numbers(5).astype("<f4"))
    for version in [(2, 0), (3, 0)]:
        with open(f"version{version[0]}.npy", "wb") as file:
            np.lib.format.write_array(file, numbers(4, 3).astype("<f4"), version=version)
    missing = numbers(4, 3).astype("<f4")
    missing[1, 2], missing[3, 0] = np.nan, np.inf
    np.save("missing.npy", missing)
    with gzip.GzipFile("compressed.npy.gz", "wb", mtime=0) as file:
        np.save(file, numbers(4, 3).astype("<f4"))
    np.save("complex.npy", numbers(3).astype("c8"))
    np.save("records.npy", np.zeros(3, dtype=[("a", "<f4"), ("b", "<i4")]))
    np.save("scalar.npy", np.float32(3))


def chunk(tag, body):
    return struct.pack(">I", len(body)) + tag + body + struct.pack(">I", zlib.crc32(tag + body))


def png(name, pixels, bits, colour, extra=b""):
    """pixels: rows of bytes, already packed"""
    height, width = pixels.shape[:2]
    raw = b"".join(b"\0" + row.tobytes() for row in (pixels.astype(">u2") if bits == 16 else pixels.astype("u1")))
    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)
    with open(name, "wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + extra + chunk(b"IDAT", zlib.compress(raw)) + chunk(b"IEND", b""))


def pictures():
    png("grey8.png", numbers(3, 5), 8, 0)
    png("grey16.png", numbers(3, 5) * 600, 16, 0)
    png("rgb8.png", numbers(3, 5, 3), 8, 2)
    png("rgb16.png", numbers(3, 5, 3) * 600, 16, 2)
    png("rgba8.png", numbers(3, 5, 4), 8, 6)
    png("grey_alpha8.png", numbers(3, 5, 2), 8, 4)
    palette = bytes(v for i in range(4) for v in (10 * i, 20 * i, 30 * i))
    png("palette.png", numbers(3, 5) % 4, 8, 3, chunk(b"PLTE", palette))
    # One bit a pixel: eight to a byte.
    bits = numbers(3, 8) % 2
    raw = b"".join(b"\0" + np.packbits(row.astype("u1")).tobytes() for row in bits)
    with open("bits.png", "wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 8, 3, 1, 0, 0, 0, 0)) + chunk(b"IDAT", zlib.compress(raw)) + chunk(b"IEND", b""))
    # A header that promises 2^20 by 2^20 pixels.
    with open("lying.png", "wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 1 << 20, 1 << 20, 8, 2, 0, 0, 0)) + chunk(b"IDAT", zlib.compress(bytes(100))) + chunk(b"IEND", b""))


def idx():
    for code, kind in [(8, ">u1"), (9, ">i1"), (11, ">i2"), (12, ">i4"), (13, ">f4"), (14, ">f8")]:
        body = struct.pack(">BBBB", 0, 0, code, 3) + struct.pack(">III", 4, 3, 2) + numbers(4, 3, 2).astype(kind).tobytes()
        with open(f"type{code:02x}.idx", "wb") as file:
            file.write(body)
    body = struct.pack(">BBBB", 0, 0, 8, 1) + struct.pack(">I", 6) + numbers(6).astype("u1").tobytes()
    with gzip.GzipFile("labels-idx1-ubyte.gz", "wb", mtime=0) as file:
        file.write(body)


def sounds():
    def write(name, bits, channels, samples):
        with wave.open(name, "wb") as file:
            file.setnchannels(channels)
            file.setsampwidth(bits // 8)
            file.setframerate(8000)
            file.writeframes(samples)

    n = numbers(12).astype("i8") - 50
    write("pcm8.wav", 8, 1, (n + 128).astype("u1").tobytes())
    write("pcm16.wav", 16, 1, (n * 256).astype("<i2").tobytes())
    write("pcm24.wav", 24, 1, b"".join((int(v) << 16).to_bytes(3, "little", signed=True) for v in n))
    write("pcm32.wav", 32, 1, (n << 24).astype("<i4").tobytes())
    write("stereo.wav", 16, 2, np.stack([n * 256, n * -128], 1).astype("<i2").tobytes())
    body = (n / 128).astype("<f4").tobytes()
    form = struct.pack("<HHIIHH", 3, 1, 8000, 32000, 4, 32)
    # A part of odd length that a reader has to step over, with its filling byte.
    parts = b"LIST" + struct.pack("<I", 5) + b"hello\0" + b"fmt " + struct.pack("<I", 16) + form + b"data" + struct.pack("<I", len(body)) + body
    with open("float32.wav", "wb") as file:
        file.write(b"RIFF" + struct.pack("<I", 4 + len(parts)) + b"WAVE" + parts)


npy()
pictures()
idx()
sounds()
