"""What classes and values are called in pictures."""

from pathlib import Path

from runner.data.carried import Diabetes, Iris
from runner.data.cifar import CIFAR10, CIFAR100
from runner.data.class_names import output_names, spelt
from runner.data.digits import Digits
from runner.data.mnist import FashionMNIST
from runner.data.reconstruction import Reconstruction
from runner.data.text import Text


def test_a_table_names_its_classes_and_its_value() -> None:
    assert list(output_names(Iris(), Iris().load().preprocessing)) == ["setosa", "versicolor", "virginica"]
    assert list(output_names(Diabetes(), Diabetes().load().preprocessing)) == ["progression"]


def test_a_source_may_name_its_classes_itself() -> None:
    assert output_names(FashionMNIST(root=Path()), {})[9] == "ankle boot"
    assert output_names(CIFAR10(root=Path()), {})[3] == "cat"
    assert output_names(CIFAR100(root=Path()), {})[3] == "3"


def test_others_are_numbers() -> None:
    assert output_names(Digits(), {}) == [str(number) for number in range(10)]
    assert output_names(Reconstruction(Digits()), {})[63] == "value 63"


def test_characters_are_as_they_are_and_blank_ones_as_python_writes_them(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("ab\n " * 40)
    source = Text(root=tmp_path, file=Path("a.txt"), length=8)
    assert output_names(source, source.load().preprocessing) == [r"'\n'", "' '", "a", "b"]
    assert (spelt(97), spelt(10), spelt(0xE9)) == ("a", r"'\n'", "é")
