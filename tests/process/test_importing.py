import subprocess
import sys


def test_what_is_imported_is_left_out_of_collections_and_what_comes_later_is_not() -> None:
    program = """
import gc
from runner.process.importing import without_collections

with without_collections():
    print(gc.isenabled())
    import decimal
    earlier = [[] for _ in range(5000)]
frozen = gc.get_freeze_count()
with without_collections():
    later = [[] for _ in range(1000)]
print(gc.isenabled(), frozen >= 5000, gc.get_freeze_count() <= frozen)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["False", "True True True"]
