#!/usr/bin/env python3
"""What a transfer holds in memory is bounded whatever is at its ends: an endless pipe that is stored,
or a reader that hardly reads.  Sizes are those the kernel counts, so the programs are the release
build's."""
import os
import subprocess
import time

from cluster import BIN, main

MIB = 1 << 20
SIZE_MIB = 320
ABOVE_START_MAX_MIB = 136


def pattern(number):
    """The mebibyte of that number."""
    return number.to_bytes(8, "little") * (MIB // 8)


def spawn(cluster, *arguments, **pipes):
    return subprocess.Popen([os.path.join(BIN, "hearth"), "--config", cluster.config, *arguments],
                            **pipes)


def status(process, word):
    with open(f"/proc/{process.pid}/status") as file:
        for line in file:
            if line.startswith(word + ":"):
                return int(line.split()[1])
    raise AssertionError(f"{word} is not in /proc")


def memory_mib(process, word):
    return status(process, word) / 1024


def started_mib(process):
    """Once it has its threads, and waits for the first byte."""
    while status(process, "Threads") < 3:
        time.sleep(0.01)
    return memory_mib(process, "VmRSS")


def a_long_pipe_is_stored_in_bounded_memory(cluster):
    cluster.hearth("mb", "s3://memory")
    hearth = spawn(cluster, "cp", "-", "s3://memory/pipe", stdin=subprocess.PIPE)
    start = started_mib(hearth)
    for number in range(SIZE_MIB):
        hearth.stdin.write(pattern(number))
    above = memory_mib(hearth, "VmHWM") - start
    hearth.stdin.close()
    assert hearth.wait(60) == 0
    print(f"      {above:.0f} MiB above the start", flush=True)
    assert above <= ABOVE_START_MAX_MIB, above


def a_reader_that_hardly_reads_bounds_what_is_fetched(cluster):
    hearth = spawn(cluster, "cat", "s3://memory/pipe", stdout=subprocess.PIPE)
    first = hearth.stdout.read(MIB)
    assert first == pattern(0)
    start = memory_mib(hearth, "VmRSS")
    time.sleep(2)  # a claim about what does not happen in a while has to let it pass
    above = memory_mib(hearth, "VmHWM") - start
    print(f"      {above:.0f} MiB above the first mebibyte", flush=True)
    assert above <= 32, above
    for number in range(1, SIZE_MIB):
        assert hearth.stdout.read(MIB) == pattern(number), number
    assert hearth.wait(60) == 0


if __name__ == "__main__":
    main(a_long_pipe_is_stored_in_bounded_memory, a_reader_that_hardly_reads_bounds_what_is_fetched)
