"""Runs commands in turns and prints the median seconds of each: compare.py RUNS COMMAND…

`program argument < file` runs without a shell; `|` and `;` need one.
"""

import statistics
import subprocess
import sys
import time


def seconds(command):
    shell = "|" in command or ";" in command
    words, _, file = (command, "", "") if shell else command.partition(" < ")
    with open(file or "/dev/null", "rb") as stdin:
        start = time.perf_counter()
        # kubectl diff ends with 1 where there are differences.
        subprocess.run(words if shell else words.split(), shell=shell, stdin=stdin, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
        return time.perf_counter() - start


runs, commands = int(sys.argv[1]), sys.argv[2:]
times = [[seconds(command) for command in commands] for _ in range(runs)]
print(*(f"{statistics.median(column):.6f}" for column in zip(*times)))
